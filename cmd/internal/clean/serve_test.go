package clean

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/data"
)

// openPage serves a review of smallSet, whose last picture is damaged.
func openPage(t *testing.T) (*Page, *Review, *httptest.Server) {
	t.Helper()
	s := smallSet()
	s.Open = func(path string) (*data.Image, error) {
		if path == "/d/é.jpg" {
			return nil, errors.New("damaged: " + path)
		}
		return data.NewImage(2000, 500), nil
	}
	r, err := OpenReview(filepath.Join(t.TempDir(), "out.csv"), s)
	if err != nil {
		t.Fatal(err)
	}
	q := &Queue{Cases: []Case{{Pictures: []int{2}}, {Pictures: []int{0, 1}, Bits: 4}},
		Opinions: map[int]Opinion{2: {Loss: 3, Answer: []int{1}, Top: []Guess{{1, 0.9}}}}}
	p := NewPage(r, q, "a <title>")
	srv := httptest.NewServer(localweb.Guard(p))
	t.Cleanup(srv.Close)
	return p, r, srv
}

func TestPageFiles(t *testing.T) {
	_, _, srv := openPage(t)
	for path, want := range map[string]string{"/": "<title>Whippet: clean</title>", "/clean.js": "X-Whippet-Key", "/style.css": "prefers-color-scheme"} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: status %d, without %q", path, resp.StatusCode, want)
		}
		if strings.Contains(string(b), "://") {
			t.Errorf("%s refers to another place", path)
		}
	}
}

func TestRequests(t *testing.T) {
	p, r, srv := openPage(t)
	good := `{"decisions":[{"picture":0,"action":"keep"},{"picture":1,"action":"drop"}]}`
	cases := []struct {
		name, method, path, key, kind, body string
		header                              map[string]string
		want                                int
		say                                 string
	}{
		{name: "no key", method: "GET", path: "/api/review", want: 403, say: "whole address"},
		{name: "wrong key", method: "GET", path: "/api/review", key: "x", want: 403},
		{name: "review", method: "GET", path: "/api/review", key: p.key, want: 200, say: `"title":"a \u003ctitle\u003e"`},
		{name: "key in the address", method: "GET", path: "/api/review?key=" + p.key, want: 200},
		{name: "key in the address of a change", method: "POST", path: "/api/decide?key=" + p.key, kind: "application/json", body: good, want: 403},
		{name: "picture", method: "GET", path: "/api/picture?i=0", key: p.key, want: 200},
		{name: "damaged picture", method: "GET", path: "/api/picture?i=3", key: p.key, want: 500, say: "damaged: /d/é.jpg"},
		{name: "no such picture", method: "GET", path: "/api/picture?i=4", key: p.key, want: 404},
		{name: "path for a picture", method: "GET", path: "/api/picture?i=../../etc/passwd", key: p.key, want: 404},
		{name: "change by GET", method: "GET", path: "/api/decide", key: p.key, want: 404},
		{name: "a form", method: "POST", path: "/api/decide", key: p.key, kind: "text/plain", body: good, want: 415},
		{name: "of another page", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: good, header: map[string]string{"Origin": "http://evil.example"}, want: 403},
		{name: "no JSON", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: "{", want: 400, say: "cannot be read"},
		{name: "unknown field", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{"path":"/etc/passwd"}`, want: 400},
		{name: "nothing", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{}`, want: 400, say: "no decisions"},
		{name: "two values", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: good + good, want: 400},
		{name: "too long", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{"decisions":[` + strings.Repeat(" ", maxBody) + `]}`, want: 400},
		{name: "foreign picture", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{"decisions":[{"picture":9,"action":"drop"}]}`, want: 400, say: "no picture 9"},
		{name: "foreign class", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{"decisions":[{"picture":0,"action":"relabel","label":"=cmd()"}]}`, want: 400, say: "not one of"},
		{name: "decisions", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: good, want: 200, say: `"dropped":1`},
		{name: "taken back", method: "POST", path: "/api/decide", key: p.key, kind: "application/json", body: `{"decisions":[{"picture":1,"action":""}]}`, want: 200, say: `"dropped":0`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequest(c.method, srv.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.key != "" {
				req.Header.Set(keyHeader, c.key)
			}
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			for k, v := range c.header {
				req.Header.Set(k, v)
			}
			before := r.Counts()
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != c.want || !strings.Contains(string(b), c.say) {
				t.Errorf("status %d, want %d; %q, want %q in it", resp.StatusCode, c.want, b, c.say)
			}
			if c.want != 200 && r.Counts() != before {
				t.Error("a refused request changed something")
			}
		})
	}
}

func TestPictureIsBounded(t *testing.T) {
	p, _, srv := openPage(t)
	resp, err := http.Get(srv.URL + "/api/picture?i=1&key=" + p.key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	m, err := jpeg.Decode(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Bounds(); b.Dx() != maxSide || b.Dy() != maxSide/4 {
		t.Errorf("the picture is %v", b)
	}
}

func TestFinish(t *testing.T) {
	p, _, srv := openPage(t)
	for range 2 {
		req, _ := http.NewRequest("POST", srv.URL+"/api/finish", bytes.NewReader([]byte("{}")))
		req.Header.Set(keyHeader, p.key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var c Counts
		if err := json.NewDecoder(resp.Body).Decode(&c); err != nil || c.Rows != 4 {
			t.Errorf("%+v, %v", c, err)
		}
		_ = resp.Body.Close()
	}
	select {
	case <-p.Done():
	default:
		t.Error("not done")
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"decisions":[{"picture":0,"action":"keep"}]}`))
	f.Add([]byte(`{"decisions":[{"picture":0},{"picture":0}]}`))
	f.Add([]byte(`{"decisions":[{"picture":1e9,"action":"relabel","label":"x"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		what, err := readRequest(bytes.NewReader(b))
		if err == nil && len(what) == 0 {
			t.Error("an empty request is no error")
		}
	})
}
