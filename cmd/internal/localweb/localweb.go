// Package localweb serves a page of this program to the person at this
// machine: on loopback unless told otherwise, out of reach of pages from
// elsewhere that the same browser has open.
//
// Such a page can send requests to 127.0.0.1, and with a name of its own that
// it lets point there (DNS rebinding) it can even read the answers. Guard
// therefore refuses every name but localhost and plain IP addresses, every
// request that changes something and comes from another origin, and forbids the
// page itself to load anything from outside.
package localweb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/whippet-ml/whippet/internal/hostname"
)

// DefaultAddress is loopback with a port that the system chooses.
const DefaultAddress = "127.0.0.1:0"

// Server is a listening page. Close ends it.
type Server struct {
	ln   net.Listener
	http *http.Server
	done chan struct{}
}

// Listen opens addr ("host:port", "" for DefaultAddress; a host of "" is loopback
// too, so that a forgotten host does not open the page to the network) and
// serves h behind Guard. The error names the address.
func Listen(addr string, h http.Handler) (*Server, error) {
	if addr == "" {
		addr = DefaultAddress
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w; give host:port, such as 127.0.0.1:8080, where port 0 is any free one", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another port, or 0 for any free one", addr, err)
	}
	s := &Server{ln: ln, done: make(chan struct{})}
	s.http = &http.Server{Handler: Guard(h), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, DisableGeneralOptionsHandler: true}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln) // ends with Close, which has nothing to add
	}()
	return s, nil
}

// URL is the page's address, without a path's further part: http://host:port/.
// A host that means every interface is given as loopback.
func (s *Server) URL() string {
	a, ok := s.ln.Addr().(*net.TCPAddr)
	if !ok {
		return "http://" + s.ln.Addr().String() + "/"
	}
	ip := a.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return "http://" + net.JoinHostPort(ip.String(), fmt.Sprint(a.Port)) + "/"
}

// Close stops listening, waits for requests under way for at most the given
// time, and then cuts them off. Calling it twice is harmless.
func (s *Server) Close(wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	return err
}

// policy lets a page use its own server and pictures made by its own script,
// and nothing else.
const policy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Guard wraps a local page's handler: see the package's description.
func Guard(h http.Handler) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if !hostname.Allowed(r.Host) {
			http.Error(w, fmt.Sprintf("the name %q is not accepted: use the address that whippet printed", r.Host), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// NewKey returns a secret of 130 random bits to put in a page's address.
func NewKey() string { return rand.Text() }
