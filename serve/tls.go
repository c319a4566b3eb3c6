package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// certificate is a TLS certificate and its key, from files that are read again
// when they change: connections made afterwards have the new one.
type certificate struct {
	certFile, keyFile string
	now               atomic.Pointer[tls.Certificate]
	at                [2]stamp // of the files that were read or tried last
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.load()
}

// load reads the files. When they cannot be used, or do not belong together (one
// was replaced and the other not yet), the certificate stays as it is.
func (c *certificate) load() error {
	c.at[0], _ = stampOf(c.certFile)
	c.at[1], _ = stampOf(c.keyFile)
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("serve: certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.now.Store(&pair)
	return nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}

// answerPlain answers a client that speaks plain HTTP where TLS is wanted, if err
// says so: net/http does that where it sees the TLS.
func answerPlain(err error) {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil {
		return
	}
	switch string(header.RecordHeader[:]) { // the first five bytes
	case "GET /", "HEAD ", "POST ", "OPTIO":
		_, _ = io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"+securityLines+"\r\n"+
			`{"error":"the service speaks TLS: ask with https://"}`+"\n")
	}
}
