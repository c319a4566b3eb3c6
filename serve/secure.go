package serve

import (
	"bytes"
	"net/http"
	"strings"
)

// security are the headers that keep an answer from being used by pages of other
// sites, kept, or taken for something else. The pages of this service loosen the
// policy for themselves.
var security = [][2]string{
	{"X-Content-Type-Options", "nosniff"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
	{"Cache-Control", "no-store"},
}

// secure sets them.
func secure(h http.Header) {
	for _, s := range security {
		h.Set(s[0], s[1])
	}
}

// securityLines are the same as they are sent.
var securityLines = func() string {
	var b strings.Builder
	for _, s := range security {
		b.WriteString(s[0] + ": " + s[1] + "\r\n")
	}
	return b.String()
}()

// Write sends an answer, or a part of one. What net/http refuses by itself, before
// a handler sees the request (a header that is malformed or too long, an Expect
// that it does not know), gets the headers here.
func (c *conn) Write(p []byte) (int, error) {
	at := unsecured(p)
	if at == 0 {
		return c.Conn.Write(p)
	}
	whole := make([]byte, 0, len(p)+len(securityLines))
	whole = append(append(append(whole, p[:at]...), securityLines...), p[at:]...)
	n, err := c.Conn.Write(whole)
	if n > at {
		n = max(n-len(securityLines), at)
	}
	return n, err
}

// unsecured returns where the second line begins in the head of an error that has
// no security headers, 0 for everything else.
func unsecured(p []byte) int {
	if !bytes.HasPrefix(p, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(p, []byte("HTTP/1.1 5")) {
		return 0
	}
	head, _, whole := bytes.Cut(p, []byte("\r\n\r\n"))
	if !whole || bytes.Contains(head, []byte("\r\n"+security[0][0]+":")) {
		return 0
	}
	return bytes.IndexByte(p, '\n') + 1
}
