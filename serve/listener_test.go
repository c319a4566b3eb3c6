package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listening serves s by a listener with room for two connections. Its clock
// stands still, or goes on by step whenever it is looked at.
func listening(t *testing.T, s *Server, step time.Duration) (address string) {
	t.Helper()
	return limited(t, s, step).Addr().String()
}

// limited is listening that returns the listener.
func limited(t *testing.T, s *Server, step time.Duration) *limitListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := newLimitListener(l, 2, nil)
	clock := time.Now()
	conns.now = func() time.Time { clock = clock.Add(step); return clock } // called under a lock
	srv := &http.Server{Handler: s.Handler(), ConnState: conns.state, ConnContext: withConn}
	go func() { _ = srv.Serve(conns) }()
	t.Cleanup(func() { _ = srv.Close() })
	return conns
}

// client is a connection to a service.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{t, c, bufio.NewReader(c)}
}

// ask sends a request as it stands and returns the answer's status, and whether
// the connection is closed after it.
func (c *client) ask(request string) (status int, closed bool, body string) {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		c.t.Fatal(err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, res.Close, string(b)
}

const health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// TestIdleConnectionsMakeWay: however many connections are kept open without a
// request, a new one is served, and the one that was idle for longest is closed.
func TestIdleConnectionsMakeWay(t *testing.T) {
	s, _, _ := newServer(t, Options{})
	l := limited(t, s, time.Hour)
	address := l.Addr().String()
	var clients []*client
	for i := range 5 {
		c := dial(t, address)
		if status, closed, _ := c.ask(health); status != 200 || closed {
			t.Fatalf("connection %d: status %d, closed %v; want an ordinary answer", i, status, closed)
		}
		clients = append(clients, c)
		// The service knows a little later than the client that the request is over.
		until(func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.idle.Len() == min(i+1, 2)
		})
	}
	if _, err := clients[0].r.ReadByte(); err == nil {
		t.Error("the connection that was idle for longest was not closed")
	}
	if status, _, _ := clients[4].ask(health); status != 200 {
		t.Error("the last connection was closed")
	}
	for range 5 { // those that never ask for anything
		dial(t, address)
	}
	if status, _, _ := dial(t, address).ask(health); status != 200 {
		t.Error("connections without a request keep others out")
	}
}

// TestHealthAnswersAlways: with all connections busy, health checks and metrics
// are answered on spare ones, and work is refused.
func TestHealthAnswersAlways(t *testing.T) {
	s, _, _ := newServer(t, slowly(Options{}))
	address := listening(t, s, 0)
	for range 2 {
		slowBody(t, address)
	}
	until(func() bool { return s.receiving.Load() == 2 })
	for range 3 {
		for _, path := range []string{"/healthz", "/readyz", "/v2/health/live", "/metrics"} {
			if status, closed, b := dial(t, address).ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); status != 200 || !closed {
				t.Errorf("GET %s with all connections busy: %d %s, closed %v; want 200 and the connection closed", path, status, b, closed)
			}
		}
		if status, closed, b := dial(t, address).ask("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"); status != 503 || !closed || !strings.Contains(b, "2 connections") {
			t.Errorf("work with all connections busy: %d %s, closed %v; want 503 and the connection closed", status, b, closed)
		}
	}
}

// TestFraming: requests whose length can be read in two ways, and chunks that
// are none, are refused before any work; ordinary ones on the same connection
// are not.
func TestFraming(t *testing.T) {
	s, _, _ := newServer(t, Options{})
	pic := string(pngPicture(t, 40, 40, 1))
	chunked := "Transfer-Encoding: chunked\r\n"
	post := func(header, body string) string {
		return "POST /predict HTTP/1.1\r\nHost: x\r\n" + header + "\r\n" + body
	}
	good := post(chunked, "3\r\n"+pic[:3]+"\r\n"+hex(len(pic)-3)+"\r\n"+pic[3:]+"\r\n0\r\n\r\n")
	for name, c := range map[string]struct {
		request string
		status  int
		says    string
	}{
		"chunks":                      {good, 200, "label"},
		"length, then chunks":         {post("Content-Length: 5\r\n"+chunked, "0\r\n\r\n"), 400, "length twice"},
		"chunks, then length":         {post(chunked+"content-length : 5\r\n", "0\r\n\r\n"), 400, ""},
		"lower case, bare line feeds": {"POST /predict HTTP/1.1\nHost: x\ntransfer-encoding: chunked\ncontent-length: 5\n\n0\r\n\r\n", 400, "length twice"},
		"old protocol":                {"POST /predict HTTP/1.0\r\nHost: x\r\nContent-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n", 400, "length twice"},
		"chunk without length":        {post(chunked, "xyz\r\nabc\r\n0\r\n\r\n"), 400, "malformed"},
		"chunk without line end":      {post(chunked, "3\r\nabcdef\r\n0\r\n\r\n"), 400, "malformed"},
		"chunk of a huge length":      {post(chunked, "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400, "malformed"},
		"in a form":                   {post(chunked+"Content-Type: multipart/form-data; boundary=b\r\n", "5\r\n--b\r\nzz\r\n"), 400, "malformed"},
		"chunks behind a request":     {health + good, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, listening(t, s, 0))                // none of the connections before counts
			if status, _, _ := client.ask(good); status != 200 { // what came before decides nothing
				t.Fatalf("the request before: status %d", status)
			}
			status, _, b := client.ask(c.request)
			if status != c.status || !strings.Contains(b, c.says) {
				t.Errorf("status %d, %s; want %d and %q", status, b, c.status, c.says)
			}
			if name == "chunks behind a request" {
				if status, closed, b := client.ask(""); status != 400 || !closed {
					t.Errorf("the chunks: status %d, %s, closed %v; want 400 and the connection closed", status, b, closed)
				}
			}
		})
	}
}

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }

// TestHosts: on loopback only localhost, addresses and the names allowed may be
// asked.
func TestHosts(t *testing.T) {
	s, _, _ := newServer(t, Options{})
	named, _, _ := newServer(t, Options{Hosts: []string{"pets.example"}})
	for host, want := range map[string][3]int{ // by Handler alone; on loopback; with a name allowed
		"127.0.0.1:80": {200, 200, 200}, "localhost": {200, 200, 200}, "evil.example": {200, 421, 421}, "Pets.Example:80": {200, 421, 200},
		"": {200, 200, 200}, // no browser sends that
	} {
		for i, s := range []*Server{s, s, named} {
			s.private.Store(i > 0)
			if status, _, b := dial(t, listening(t, s, 0)).ask("GET /models HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); status != want[i] {
				t.Errorf("%s: status %d, %s; want %d", host, status, b, want[i])
			}
		}
	}
}
