package serve

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections beyond Options.Connections: spare ones are for those who ask for
// health and metrics, and to refuse the others in words. One that has waited for
// a request for idleGrace is closed when its place is needed.
const (
	spareConnections = 64
	idleGrace        = time.Second
)

// limitListener bounds the open connections. When all places are taken, the
// connection that has been without a request for longest makes way; if none has
// been for idleGrace, the new one is a spare one; more wait to be accepted.
type limitListener struct {
	net.Listener
	tls  *tls.Config // nil: plain HTTP
	most int
	now  func() time.Time

	mu       sync.Mutex
	ordinary int
	spare    int
	idle     list.List // of *conn: without a request after an earlier one, the longest first
	fresh    list.List // of *conn: without a first request, the longest first

	freed  chan struct{} // a connection was closed
	closed chan struct{}
	once   sync.Once
}

func newLimitListener(l net.Listener, most int, config *tls.Config) *limitListener {
	return &limitListener{Listener: l, tls: config, most: most, now: time.Now,
		freed: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Accept waits for a connection and for a place for it.
func (l *limitListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, l: l}
	if l.tls != nil {
		c.Conn = tls.Server(raw, l.tls)
	}
	for !l.place(c) {
		wait := time.NewTimer(idleGrace / 10)
		select {
		case <-l.freed:
		case <-wait.C: // somebody may have been idle for long enough
		case <-l.closed:
			wait.Stop()
			_ = raw.Close()
			return nil, net.ErrClosed
		}
		wait.Stop()
	}
	return c, nil
}

// place finds a place for c, and reports whether there is one.
func (l *limitListener) place(c *conn) bool {
	l.mu.Lock()
	var victim *conn
	if l.ordinary >= l.most {
		victim = l.longest()
	}
	l.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ordinary < l.most:
		l.ordinary++
	case l.spare < spareConnections:
		l.spare++
		c.spare = true
	default:
		return false
	}
	return true
}

// longest is the connection that has been without a request for longest, if it
// was for idleGrace.
func (l *limitListener) longest() *conn {
	for _, w := range []*list.List{&l.idle, &l.fresh} {
		if e := w.Front(); e != nil {
			if c, ok := e.Value.(*conn); ok && l.now().Sub(c.since) >= idleGrace {
				return c
			}
		}
	}
	return nil
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// state is http.Server's ConnState.
func (l *limitListener) state(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.unlist()
	if c.done {
		return
	}
	switch state {
	case http.StateNew:
		c.list, c.since = &l.fresh, l.now()
	case http.StateIdle:
		c.list, c.since = &l.idle, l.now()
		c.head.begin()
	default:
		return
	}
	c.element = c.list.PushBack(c)
}

// conn is an accepted connection.
type conn struct {
	net.Conn
	l     *limitListener
	spare bool
	head  requestHead

	// Under l.mu: where it waits for a request and since when, and whether it is
	// closed.
	list    *list.List
	element *list.Element
	since   time.Time
	done    bool
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.head.see(p[:n])
	answerPlain(err)
	return n, err
}

func (c *conn) unlist() {
	if c.list != nil {
		c.list.Remove(c.element)
		c.list, c.element = nil, nil
	}
}

// Close closes the connection and gives its place back, once.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.unlist()
	if c.done {
		return err
	}
	c.done = true
	if c.spare {
		c.l.spare--
	} else {
		c.l.ordinary--
	}
	select {
	case c.l.freed <- struct{}{}:
	default:
	}
	return err
}

// connKey is the context key of a request's *conn.
type connKey struct{}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	c, ok := nc.(*conn)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, connKey{}, c)
}

// connOf is the connection that a request came on, nil when the server's
// handler is used by another http.Server.
func connOf(r *http.Request) *conn {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		return nil
	}
	return c
}
