package localweb

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	cases := []struct {
		name, method, host string
		header             map[string]string
		want               int
	}{
		{"address", "GET", "127.0.0.1:4711", nil, 200},
		{"address of IPv6", "GET", "[::1]:4711", nil, 200},
		{"localhost", "GET", "LocalHost:80", nil, 200},
		{"rebound name", "GET", "evil.example:4711", nil, 421},
		{"name that begins like an address", "GET", "127.0.0.1.evil.example", nil, 421},
		{"no name", "GET", "", nil, 421},
		{"own page posts", "POST", "127.0.0.1:4711", map[string]string{"Origin": "http://127.0.0.1:4711"}, 200},
		{"foreign page posts", "POST", "127.0.0.1:4711", map[string]string{"Origin": "http://evil.example"}, 403},
		{"other port posts", "POST", "127.0.0.1:4711", map[string]string{"Origin": "http://127.0.0.1:9"}, 403},
		{"foreign page without origin", "POST", "127.0.0.1:4711", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"no browser", "POST", "127.0.0.1:4711", nil, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://x/", nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			Guard(ok).ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d", w.Code, c.want)
			}
			if c.want == 200 && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
				t.Errorf("no policy in %v", w.Header())
			}
		})
	}
}

func TestListen(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	for _, addr := range []string{"", ":0", "127.0.0.1:0"} {
		s, err := Listen(addr, h)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
			t.Errorf("%q listens at %s, want loopback", addr, s.URL())
		}
		resp, err := http.Get(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(b) != "page" {
			t.Errorf("got %q", b)
		}
		if _, err := Listen(strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/"), h); err == nil || !strings.Contains(err.Error(), "another port") {
			t.Errorf("a port in use gives %v", err)
		}
		for range 2 {
			if err := s.Close(time.Second); err != nil {
				t.Error(err)
			}
		}
		if _, err := http.Get(s.URL()); err == nil {
			t.Error("still there after Close")
		}
	}
	if _, err := Listen("8080", h); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("an address without port gives %v", err)
	}
}

func TestNewKey(t *testing.T) {
	if a, b := NewKey(), NewKey(); a == b || len(a) < 20 {
		t.Errorf("keys %q and %q", a, b)
	}
}
