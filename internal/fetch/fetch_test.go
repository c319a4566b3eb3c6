package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// body is what the servers serve: 300 000 bytes that differ everywhere.
func body() []byte {
	b := make([]byte, 300_000)
	h := sha256.Sum256(nil)
	for i := 0; i < len(b); i += 32 {
		h = sha256.Sum256(h[:])
		copy(b[i:], h[:])
	}
	return b
}

// server answers the n-th request (from 1) with handle and notes the Range
// headers that it saw.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string
}

func serve(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n := len(s.ranges)
		s.mu.Unlock()
		handle(n, w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// whole serves content as a good file server does, with ranges.
func whole(content []byte, tag string) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "x.tgz", time.Time{}, bytes.NewReader(content))
	}
}

// cut serves content's first n bytes of the length that it promises and breaks
// the connection.
func cut(w http.ResponseWriter, content []byte, n int, tag string) {
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func request(t *testing.T, s *server) Request {
	return Request{URL: s.URL + "/x.tgz", Path: filepath.Join(t.TempDir(), "archive", "x.tgz"), Backoff: time.Millisecond, Retries: 3}
}

func check(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file has %d bytes, error %v; want the %d of the server", len(got), err, len(want))
	}
	for _, ext := range []string{".part", ".part.json"} {
		if _, err := os.Stat(path + ext); err == nil {
			t.Errorf("%s is left over", path+ext)
		}
	}
}

func TestGet(t *testing.T) {
	content := body()
	sum := sha256.Sum256(content)
	head := md5.Sum(content)
	good := whole(content, `"v1"`)
	for _, c := range []struct {
		name   string
		handle func(n int, w http.ResponseWriter, r *http.Request)
		set    func(r *Request)
		ranges []string // of all requests
		fails  string
	}{
		{"whole", good, nil, []string{""}, ""},
		{"everything known", good, func(r *Request) {
			r.Size, r.SHA256, r.HeadMD5 = int64(len(content)), hex.EncodeToString(sum[:]), hex.EncodeToString(head[:])
		}, []string{""}, ""},
		{"first digits of the hash", good, func(r *Request) { r.SHA256 = hex.EncodeToString(sum[:4]) }, []string{""}, ""},
		{"broken once, resumed", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				cut(w, content, 100_000, `"v1"`)
			}
			good(n, w, r)
		}, nil, []string{"", "bytes=100000-"}, ""},
		{"broken once, another version afterwards", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				cut(w, bytes.Repeat([]byte("old "), 75_000), 100_000, `"v0"`)
			}
			good(n, w, r)
		}, nil, []string{"", "bytes=100000-"}, ""},
		{"broken once, version not told: fetched anew", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				cut(w, content, 100_000, "")
			}
			good(n, w, r)
		}, nil, []string{"", ""}, ""},
		{"ranges ignored", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				cut(w, content, 100_000, `"v1"`)
			}
			_, _ = w.Write(content)
		}, nil, []string{"", "bytes=100000-"}, ""},
		{"416, then whole", func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				cut(w, content, 100_000, `"v1"`)
			case 2:
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			default:
				good(n, w, r)
			}
		}, nil, []string{"", "bytes=100000-", ""}, ""},
		{"another range than asked for", func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				cut(w, content, 100_000, `"v1"`)
			case 2:
				w.Header().Set("Content-Range", "bytes 99999-299999/300000")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(content[99_999:])
			default:
				good(n, w, r)
			}
		}, nil, []string{"", "bytes=100000-", ""}, ""},
		{"busy, then whole", func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			good(n, w, r)
		}, nil, []string{"", "", ""}, ""},
		{"busy for ever", func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) },
			nil, []string{"", "", "", ""}, "502 Bad Gateway"},
		{"broken for ever without a byte", func(n int, w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
			nil, nil, "gave up"},
		{"not found", func(n int, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, nil, []string{""}, "no such file"},
		{"forbidden", func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }, nil, []string{""}, "403"},
		{"wrong length", good, func(r *Request) { r.Size = 5 }, []string{""}, "has 300000 bytes and should have 5"},
		{"wrong hash", good, func(r *Request) { r.SHA256 = strings.Repeat("0", 64) }, []string{""}, "SHA-256"},
		{"wrong first MiB", good, func(r *Request) { r.HeadMD5 = strings.Repeat("0", 32) }, []string{""}, "MD5"},
		{"hash too short", good, func(r *Request) { r.SHA256 = "00" }, []string{""}, "fewer than 8"},
		{"too large by its header", good, func(r *Request) { r.MaxBytes = 1000 }, []string{""}, "more than the 1000 allowed"},
		{"too large without a header", func(n int, w http.ResponseWriter, r *http.Request) {
			for range 100 {
				_, _ = w.Write(content[:1000])
				w.(http.Flusher).Flush()
			}
		}, func(r *Request) { r.MaxBytes = 50_000 }, []string{""}, "more than the 50000 bytes allowed"},
		{"length not told", func(n int, w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(content[:150_000])
			w.(http.Flusher).Flush()
			_, _ = w.Write(content[150_000:])
		}, nil, []string{""}, ""},
		{"insists on packing", func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write(content)
		}, nil, []string{""}, "encoding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.handle)
			r := request(t, s)
			if c.set != nil {
				c.set(&r)
			}
			err := Get(context.Background(), r)
			if c.ranges != nil && fmt.Sprint(s.ranges) != fmt.Sprint(c.ranges) {
				t.Errorf("asked for the ranges %q, want %q", s.ranges, c.ranges)
			}
			if c.fails == "" {
				if err != nil {
					t.Fatal(err)
				}
				check(t, r.Path, content)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), r.URL) {
				t.Errorf("error %v, want one with the address and %q", err, c.fails)
			}
			if _, err := os.Stat(r.Path); err == nil {
				t.Error("the file has its name although it is not whole")
			}
		})
	}
}

// stalls answers the first request with a third of the body, after which nothing
// comes, and others with handle.
type stalls struct {
	content []byte
	handle  func(int, http.ResponseWriter, *http.Request)
	ranges  []string // of all requests
}

func (s *stalls) RoundTrip(r *http.Request) (*http.Response, error) {
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	w := httptest.NewRecorder()
	s.handle(len(s.ranges), w, r)
	resp := w.Result()
	if len(s.ranges) == 1 {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(s.content[:len(s.content)/3]), until{r.Context()}))
	}
	return resp, nil
}

// until is a reader to which nothing comes until its context ends.
type until struct{ context.Context }

func (u until) Read([]byte) (int, error) {
	<-u.Done()
	return 0, u.Err()
}

// TestStall: an attempt to which nothing comes any more is given up after
// Request.Stall, and the next goes on from there.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := body()
		s := &stalls{content: content, handle: whole(content, `"v1"`)}
		r := Request{URL: "http://example.org/x.tgz", Path: filepath.Join(t.TempDir(), "x.tgz"), Client: &http.Client{Transport: s},
			Stall: time.Minute, Backoff: time.Second, Retries: 3}
		began := time.Now()
		if err := Get(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Minute || took > time.Minute+2*time.Second {
			t.Errorf("done after %v, want a minute and the pause before the second attempt", took)
		}
		check(t, r.Path, content)
		if fmt.Sprint(s.ranges) != "[ bytes=100000-]" {
			t.Errorf("asked for the ranges %q, want everything and then what was missing", s.ranges)
		}
	})
}

func TestResumeInAnotherProcess(t *testing.T) {
	content := body()
	ctx, cancel := context.WithCancel(context.Background())
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 { // the user interrupts when 200 000 bytes are there
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(content[:200_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		whole(content, `"v1"`)(n, w, r)
	})
	r := request(t, s)
	r.Progress = func(done, total int64) {
		if total != 300_000 {
			t.Errorf("progress says a total of %d, want 300000", total)
		}
	}
	go func() {
		for ctx.Err() == nil {
			if info, err := os.Stat(r.Path + ".part"); err == nil && info.Size() == 200_000 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := Get(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if err := Get(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	check(t, r.Path, content)
	if fmt.Sprint(s.ranges) != "[ bytes=200000-]" {
		t.Errorf("asked for the ranges %q, want everything and then what was missing", s.ranges)
	}
	if err := Get(context.Background(), r); err != nil || len(s.ranges) != 2 {
		t.Errorf("a file that is there was asked for again (%d requests, error %v)", len(s.ranges), err)
	}
}

func TestPartOfAnotherAddressIsNotContinued(t *testing.T) {
	content := body()
	s := serve(t, whole(content, `"v1"`))
	r := request(t, s)
	if err := os.MkdirAll(filepath.Dir(r.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{`{"url":"http://elsewhere/x.tgz","validator":"\"v1\"","total":300000}`, "not JSON", ""} {
		os.Remove(r.Path)
		os.WriteFile(r.Path+".part", []byte("other bytes"), 0o644)
		os.WriteFile(r.Path+".part.json", []byte(note), 0o644)
		if err := Get(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		check(t, r.Path, content)
	}
}

func TestConcurrentGetsTakeTurns(t *testing.T) {
	content := body()
	var active, most, requests atomic.Int32
	s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		most.Store(max(most.Load(), active.Add(1)))
		time.Sleep(20 * time.Millisecond)
		whole(content, `"v1"`)(n, w, r)
		active.Add(-1)
	})
	r := request(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := Get(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	check(t, r.Path, content)
	if requests.Load() != 1 || most.Load() != 1 {
		t.Errorf("%d requests, %d at once; want one", requests.Load(), most.Load())
	}
}

func TestHTTPSDoesNotFallBackToHTTP(t *testing.T) {
	plain := serve(t, whole(body(), `"v1"`))
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/x.tgz", http.StatusFound))
	t.Cleanup(secure.Close)
	r := request(t, plain)
	r.URL = secure.URL + "/x.tgz"
	client := secure.Client()
	client.CheckRedirect = noDowngrade
	r.Client = client
	if err := Get(context.Background(), r); err == nil || !strings.Contains(err.Error(), "from https to http") || len(plain.ranges) != 0 {
		t.Errorf("a redirect from https to http gave %v and %d requests there, want a refusal", err, len(plain.ranges))
	}
}

func TestLockWaitsAndCancels(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := Lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lock that is held was given, or: %v", err)
	}
	unlock()
	again, err := Lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestHome(t *testing.T) {
	t.Setenv("WHIPPET_HOME", "somewhere")
	h, err := Home()
	if err != nil || !filepath.IsAbs(h) || filepath.Base(h) != "somewhere" {
		t.Errorf("home %q, error %v; want the absolute path of somewhere", h, err)
	}
	t.Setenv("WHIPPET_HOME", "")
	if h, err := Home(); err == nil && filepath.Base(h) != "whippet" {
		t.Errorf("home %q, want a folder whippet", h)
	}
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10")
	f.Add("bytes 5-9/*")
	f.Add("bytes -5-9/10")
	f.Add("bytes 9223372036854775807-9223372036854775807/9223372036854775807")
	f.Fuzz(func(t *testing.T, s string) {
		from, total, ok := contentRange(s)
		if ok && (from < 0 || total <= from) {
			t.Errorf("%q reads as from %d of %d", s, from, total)
		}
	})
}
