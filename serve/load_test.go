package serve

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/predict"
)

// TestBatching sends pictures at the same time: while more are coming, a batch
// waits until it is full, and every answer is right.
func TestBatching(t *testing.T) {
	s, h, _ := newServer(t, slowly(Options{MaxWait: time.Hour, MaxBatch: 8, Runs: 1, Decoders: 8}))
	var pics [][]byte
	var expected []predict.Prediction
	for k := range 8 {
		pics = append(pics, pngPicture(t, 50+k, 60, k))
		expected = append(expected, want(t, s, pics[k]))
	}
	if status, _, b := post(t, h.URL+"/predict", "", pics[0]); status != 200 { // nobody else is coming
		t.Errorf("one picture: status %d, %s", status, b)
	}
	in := s.models[0].acquire()
	defer s.models[0].release(in)
	if err := in.b.reserve(t.Context(), 1, &patience{}); err != nil { // a picture that is coming all the time
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			status, _, b := post(t, h.URL+"/predict", "", pics[i%8])
			if status != 200 || !near(decode[[]predict.Score](t, b), expected[i%8].Top(3)) {
				t.Errorf("picture %d: status %d, %s; want %v", i, status, b, expected[i%8].Top(3))
			}
		})
	}
	wg.Wait()
	in.b.cancelReservation(1)
	in.b.release(1)
	if _, b := get(t, h.URL+"/metrics"); !strings.Contains(string(b), "\nwhippet_batch_pictures_count{model=\"pets\"} 5\n") {
		t.Errorf("a single picture and 32 together should have been 1 batch and 4:\n%s", b)
	}
}

// TestOverload fills the queue and the requests: refusals are immediate, say
// when to come back, and what was accepted is answered.
func TestOverload(t *testing.T) {
	s, h, _ := newServer(t, Options{Queue: 2, MaxPictures: 2, Requests: 3, Explain: 1, QueueTimeout: -1})
	pic := pngPicture(t, 50, 50, 1)
	in := s.models[0].acquire()
	if err := in.b.reserve(t.Context(), 2, &patience{}); err != nil {
		t.Fatal(err)
	}
	status, header, b := post(t, h.URL+"/predict", "", pic)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("with a full queue: status %d, Retry-After %q, %s", status, header.Get("Retry-After"), b)
	}
	in.b.cancelReservation(2)
	in.b.release(2)
	s.models[0].release(in)
	for range 3 {
		if err := s.requests.enter(t.Context(), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	// Grad-CAM and /predict do not stand in each other's way.
	if status, _, b = post(t, h.URL+"/explain", "", pic); status != 200 {
		t.Errorf("Grad-CAM with all requests taken: status %d, %s", status, b)
	}
	status, header, b = post(t, h.URL+"/predict", "", pic)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("with all requests taken: status %d, Retry-After %q, %s", status, header.Get("Retry-After"), b)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/models"} {
		if status, b := get(t, h.URL+path); status != 200 {
			t.Errorf("GET %s under load: %d %s", path, status, b)
		}
	}
	s.requests.leave(3)
	if err := s.explains.enter(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	if status, header, b = post(t, h.URL+"/explain", "", pic); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("Grad-CAM with all its requests taken: status %d, %s", status, b)
	}
	if status, _, b = post(t, h.URL+"/predict", "", pic); status != 200 {
		t.Errorf("after the load: status %d, %s", status, b)
	}
}

// TestBodiesTogether bounds the memory of all bodies: the buffer of a body that
// comes counts before it is filled, unpacked or not, and no longer than it is
// there.
func TestBodiesTogether(t *testing.T) {
	const most = 100_000
	s, h, _ := newServer(t, Options{MaxBody: most, MaxBodies: 3 * most, QueueTimeout: -1})
	s.bodies.Store(2*most + 1)
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		status   int
	}{
		"short":                      {"", make([]byte, 900), 415},
		"long":                       {"", make([]byte, most), 503},
		"packed":                     {"gzip", gzipped(t, make([]byte, most)), 503},
		"packed, beyond what it may": {"gzip", gzipped(t, make([]byte, 20*most)), 503},
	} {
		req, err := http.NewRequest(http.MethodPost, h.URL+"/predict", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", c.encoding)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || (c.status == 503) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("%s: status %d, want %d: %s", name, res.StatusCode, c.status, b)
		}
		if n := s.bodies.Load(); n != 2*most+1 {
			t.Errorf("%s: %d bytes counted afterwards, want %d", name, n, 2*most+1)
		}
	}
}

// TestBuffersAreCounted reads bodies of all lengths: what is counted is the
// capacity of the buffer, which never is larger than a body can be.
func TestBuffersAreCounted(t *testing.T) {
	const most = 1 << 20
	for _, n := range []int{0, 1, 4095, 4096, 4097, 300_000, most - 1, most} {
		for _, declared := range []int64{-1, int64(n)} {
			var total atomic.Int64
			var peak int64
			held := &account{total: &total, limit: 2 * (most + 1), most: most}
			r := watched{bytes.NewReader(make([]byte, n)), func(p []byte) { peak = max(peak, total.Load()) }}
			b, err := readAll(r, declared, held)
			if err != nil || len(b) != n || int64(cap(b)) != total.Load() || cap(b) > most+1 || peak > held.limit {
				t.Errorf("%d bytes, declared %d: %d read with error %v; capacity %d, counted %d, at most %d", n, declared, len(b), err, cap(b), total.Load(), peak)
			}
			held.done()
			if total.Load() != 0 {
				t.Errorf("%d bytes are still counted", total.Load())
			}
		}
	}
}

// watched is a reader that tells of its reads.
type watched struct {
	io.Reader
	see func(p []byte)
}

func (w watched) Read(p []byte) (int, error) { w.see(p); return w.Reader.Read(p) }

// TestSlowBodiesTakeNoTurn: bodies that are arriving keep nobody from being
// worked on.
func TestSlowBodiesTakeNoTurn(t *testing.T) {
	s, h, _ := newServer(t, slowly(Options{Requests: 1, QueueTimeout: -1}))
	for range 5 {
		slowBody(t, h.Listener.Addr().String())
	}
	until(func() bool { return s.receiving.Load() == 5 })
	if status, _, b := post(t, h.URL+"/predict", "", pngPicture(t, 50, 50, 1)); status != 200 {
		t.Errorf("beside slow bodies: status %d, %s", status, b)
	}
}

// TestLeastRate: a body has five seconds, and then must have kept the least rate.
func TestLeastRate(t *testing.T) {
	start := time.Now()
	b := pacedBody{rate: 1000, start: start, end: start.Add(30 * time.Second)}
	for n, want := range map[int64]time.Duration{0: 5 * time.Second, 1000: 6 * time.Second, 10_500: 15500 * time.Millisecond, 1 << 30: 30 * time.Second} {
		if b.n = n; b.deadline().Sub(start) != want {
			t.Errorf("with %d bytes the next has time until %v, want %v", n, b.deadline().Sub(start), want)
		}
	}
}

// TestSlowBody: a body that does not come gives 408.
func TestSlowBody(t *testing.T) {
	_, h, _ := newServer(t, Options{Timeout: 200 * time.Millisecond})
	c := dial(t, h.Listener.Addr().String())
	if status, _, b := c.ask("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow"); status != 408 {
		t.Errorf("a slow body gave %d: %s", status, b)
	}
}

// TestNoAnswerInTime: a batch that never fills up outlasts the limit. The clock
// is that of a bubble of synctest, in which work takes no time.
func TestNoAnswerInTime(t *testing.T) {
	pic := pngPicture(t, 50, 50, 1)
	defer parallel.SetThreads(parallel.SetThreads(1)) // a bubble shares nothing with the workers of loops
	synctest.Test(t, func(t *testing.T) {
		s := modelServer(t, Options{Timeout: 100 * time.Millisecond, MaxWait: 400 * time.Millisecond, Runs: 1, Reload: -1})
		defer s.Close()
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/predict", bytes.NewReader(pic)))
			return w
		}
		if w := ask(); w.Code != 200 {
			t.Errorf("a batch for which nobody is coming: status %d: %s", w.Code, w.Body)
		}
		in := s.models[0].acquire()
		if err := in.b.reserve(t.Context(), 1, &patience{}); err != nil { // somebody to wait for
			t.Fatal(err)
		}
		if w := ask(); w.Code != http.StatusGatewayTimeout {
			t.Errorf("status %d: %s; want 504", w.Code, w.Body)
		}
		in.b.cancelReservation(1)
		in.b.release(1)
		s.models[0].release(in)
	})
}

// TestReloadDropsNothing replaces the model file again and again under load:
// every request is answered by one version or the other.
func TestReloadDropsNothing(t *testing.T) {
	s, h, path := newServer(t, Options{})
	pic := pngPicture(t, 60, 50, 3)
	other := filepath.Join(t.TempDir(), "other.safetensors")
	saveModel(t, other, 9, "cat", "dog", "bird", "fish")
	a, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	classes := make(chan int) // of each answer
	for range 4 {
		wg.Go(func() {
			for {
				status, _, b := post(t, h.URL+"/predict", "", pic)
				n := 0
				if status != 200 {
					t.Errorf("status %d during a reload: %s", status, b)
				} else {
					n = len(decode[[]predict.Score](t, b))
				}
				select {
				case classes <- n:
				case <-stop:
					return
				}
			}
		})
	}
	for i := range 8 {
		next := path + ".new"
		if err := os.WriteFile(next, [][]byte{b, a}[i%2], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		// Four answers may have been on their way.
		old := 0
		for n := range classes {
			if n == 4-i%2 {
				break
			}
			if old++; old > 4 {
				t.Fatalf("%d answers after reload %d have %d classes, want %d", old, i, n, 4-i%2)
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestReloadOfBrokenFile keeps the loaded model, and takes the file when it is
// whole again.
func TestReloadOfBrokenFile(t *testing.T) {
	s, h, path := newServer(t, Options{})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pic := pngPicture(t, 60, 50, 3)
	for name, content := range map[string][]byte{"cut off": whole[:len(whole)/2], "empty": nil, "other": []byte("hello")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error %v does not name the file", name, err)
		}
		if status, _, b := post(t, h.URL+"/predict", "", pic); status != 200 {
			t.Errorf("%s: status %d: %s", name, status, b)
		}
		if s.models[0].changed() {
			t.Errorf("%s: the file would be tried again and again", name)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if !s.models[0].changed() {
		t.Error("the new file was not noticed")
	}
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
}

// TestShutdownFinishesWhatItAccepted ends the service while requests run.
func TestShutdownFinishesWhatItAccepted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saveModel(t, path, 5, "cat", "dog")
	// A batch of nine waits for its ninth picture, which the test holds back
	// until the shutdown has begun.
	s, err := New(Options{Timeout: time.Hour, Drain: time.Hour, MaxWait: time.Hour, MaxBatch: 9, Runs: 1, Log: slog.New(slog.DiscardHandler)}, ModelFile{Name: "pets", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	in := s.models[0].acquire()
	if err := in.b.reserve(t.Context(), 1, &patience{}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	pic := pngPicture(t, 50, 50, 1)
	var wg sync.WaitGroup
	var bad atomic.Int64
	for range 8 {
		wg.Go(func() {
			if status, _, _ := post(t, url+"/predict", "", pic); status != 200 {
				bad.Add(1)
			}
		})
	}
	until(func() bool { return in.b.waiting() == 9 })
	cancel()
	until(s.drains.Load)
	if _, err := in.b.run(t.Context(), func([]float32) error { return nil }); err != nil {
		t.Error(err)
	}
	wg.Wait()
	in.b.release(1)
	s.models[0].release(in)
	if n := bad.Load(); n > 0 {
		t.Errorf("%d of 8 accepted requests were not answered", n)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := http.Post(url+"/predict", "", bytes.NewReader(pic)); err == nil {
		t.Error("a request after the shutdown was answered")
	}
}

// TestLongLine: when as many wait as may, a request is refused without its body
// being read.
func TestLongLine(t *testing.T) {
	s, h, _ := newServer(t, Options{Requests: 1, QueueTimeout: time.Millisecond})
	s.requests.line = 0
	if err := s.requests.enter(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	c := dial(t, h.Listener.Addr().String())
	status, _, b := c.ask("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n") // no body comes
	if status != 503 || !strings.Contains(b, "1 requests") {
		t.Errorf("status %d, %s; want 503 before the body", status, b)
	}
}
