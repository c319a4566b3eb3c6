package serve

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecurityHeaders: whoever writes an answer, a handler, the mux or net/http
// itself, it has the headers.
func TestSecurityHeaders(t *testing.T) {
	dir := t.TempDir()
	model, cert, key := filepath.Join(dir, "m.safetensors"), filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	saveModel(t, model, 5, "cat", "dog")
	newPair(t, cert, key, 1)
	for _, o := range []Options{{}, {CertFile: cert, KeyFile: key}} {
		o.Log = slog.New(slog.DiscardHandler)
		s, err := New(o, ModelFile{Name: "pets", Path: model})
		if err != nil {
			t.Fatal(err)
		}
		l, err := Listen("127.0.0.1:0", 0)
		if err != nil {
			t.Fatal(err)
		}
		serveOn(t, s, l)
		dial := func(plain bool) net.Conn {
			t.Helper()
			var c net.Conn
			var err error
			if plain || o.CertFile == "" {
				c, err = net.Dial("tcp", l.Addr().String())
			} else {
				c, err = tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its own certificate
			}
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		const host = "Host: localhost\r\nConnection: close\r\n"
		for _, c := range []struct {
			request string
			status  int
			allow   string
		}{
			{"GET /healthz HTTP/1.1\r\n" + host + "\r\n", 200, ""},
			{"GET / HTTP/1.1\r\n" + host + "\r\n", 200, ""},
			{"GET /metrics HTTP/1.1\r\n" + host + "\r\n", 200, ""},
			{"GET /nothing HTTP/1.1\r\n" + host + "\r\n", 404, ""},
			{"GET //models HTTP/1.1\r\n" + host + "\r\n", 307, ""},
			{"GET /v2/../models HTTP/1.1\r\n" + host + "\r\n", 307, ""},
			{"GET http://elsewhere.example/models HTTP/1.1\r\n" + host + "\r\n", 421, ""},
			{"PUT /models HTTP/1.1\r\n" + host + "\r\n", 405, "GET, HEAD, OPTIONS"},
			{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 204, "GET, HEAD, POST, OPTIONS"},
			{"GET * HTTP/1.1\r\n" + host + "\r\n", 404, ""},
			{"CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 405, "GET, HEAD, OPTIONS"},
			{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, ""},
			{"GET / HTTP/3.0\r\n" + host + "\r\n", 505, ""},
			{"GET / HTTP/1.1\r\n\r\n", 400, ""},
			{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, ""},
			{"GET / HTTP/1.1\r\n" + host + "Bad header: x\r\n\r\n", 400, ""},
			{"nonsense\r\n\r\n", 400, ""},
			{"GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", maxHeader+4096) + "\r\n\r\n", 431, ""},
			{"POST /predict HTTP/1.1\r\n" + host + "Transfer-Encoding: br\r\n\r\n", 501, ""},
			{"POST /predict HTTP/1.1\r\n" + host + "Content-Length: 1, 2\r\n\r\n", 400, ""},
			{"POST /predict HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
			{"POST /predict HTTP/1.1\r\n" + host + "Expect: magic\r\n\r\n", 417, ""},
			{"POST /predict HTTP/1.1\r\n" + host + "Sec-Fetch-Site: cross-site\r\n\r\n", 403, ""},
		} {
			nc := dial(false)
			if _, err := io.WriteString(nc, c.request); err != nil {
				t.Fatal(err)
			}
			checkSecured(t, nc, c.request[:min(len(c.request), 60)], c.status, c.allow)
		}
		if o.CertFile != "" {
			nc := dial(true)
			fmt.Fprintf(nc, "GET /healthz HTTP/1.1\r\n%s\r\n", host)
			checkSecured(t, nc, "plain HTTP where TLS is wanted", 400, "")
		}
	}
}

// checkSecured reads an answer and closes the connection.
func checkSecured(t *testing.T, nc net.Conn, about string, status int, allow string) {
	t.Helper()
	defer nc.Close()
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Errorf("%q: %v", about, err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != status || res.Header.Get("Allow") != allow {
		t.Errorf("%q: %d, Allow %q; want %d and %q", about, res.StatusCode, res.Header.Get("Allow"), status, allow)
	}
	for _, s := range security {
		if v := res.Header.Values(s[0]); len(v) != 1 || status != 200 && v[0] != s[1] {
			t.Errorf("%q: %d with %s %q", about, res.StatusCode, s[0], v)
		}
	}
}
