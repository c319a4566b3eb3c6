package command

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/serve"
)

// service is a running `whippet serve` of a tiny model.
type service struct {
	*process
	address string
}

// memoryLimit makes the garbage collector keep a service's memory to so many
// MiB: what is beyond then is in use, and not memory that nobody has collected
// yet, whose amount depends on the machine's load.
func memoryLimit(mib int) []string { return []string{fmt.Sprintf("GOMEMLIMIT=%dMiB", mib)} }

// serving starts a service with more variables in the environment.
func serving(t *testing.T, env []string, flags ...string) *service {
	t.Helper()
	dir := t.TempDir()
	tiny(t, filepath.Join(dir, "m.safetensors"))
	s := &service{process: startWith(t, dir, env, append([]string{"serve", "m.safetensors", "--address", "localhost:0", "--log", "json"}, flags...)...)}
	s.until("the service's address", func() bool {
		for line := range strings.Lines(s.out.String()) {
			var e struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &e) == nil && e.Msg == "serving" {
				s.address = strings.TrimPrefix(e.Address, "http://")
			}
		}
		return s.address != ""
	})
	return s
}

// ask sends a request and returns status, header and answer.
func (s *service) ask(method, path, kind string, body io.Reader) (int, http.Header, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.address+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// dial opens a connection and sends what a slow client has sent so far.
func (s *service) dial(sent string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, sent); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// answer reads a status from a connection, 0 when it is closed without one, as
// by a service that ends.
func answer(c net.Conn) int {
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	return res.StatusCode
}

// metric is a number of /metrics.
func (s *service) metric(name string) float64 {
	s.t.Helper()
	_, _, b := s.ask("GET", "/metrics", "", nil)
	for line := range strings.Lines(b) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return f
		}
	}
	s.t.Fatalf("no metric %s:\n%s", name, b)
	return 0
}

// peak is the largest resident memory so far, in MiB.
func (s *service) peak() int {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				s.t.Fatal(err)
			}
			return kib >> 10
		}
	}
	s.t.Fatalf("no VmHWM in %s", b)
	return 0
}

func (s *service) post(kind string, body []byte) (int, http.Header, string) {
	s.t.Helper()
	return s.ask("POST", "/predict", kind, bytes.NewReader(body))
}

// forms is a multipart body of n files, and its content type.
func forms(n int, file []byte) (kind string, body []byte) {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%d.png\"\r\n\r\n%s\r\n", i, file)
	}
	b.WriteString("--b--\r\n")
	return "multipart/form-data; boundary=b", b.Bytes()
}

func goodPicture(t *testing.T) []byte {
	t.Helper()
	for _, c := range hostile.Pictures() {
		if c.Name == "chunks.png" {
			return c.Data
		}
	}
	t.Fatal("no good picture")
	return nil
}

// TestServeLimits sets each limit by its flag and goes beyond it.
func TestServeLimits(t *testing.T) {
	slow.Test(t)
	pic := goodPicture(t) // of 9×9 pixels
	stalled := func(n int) string {
		return fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", n+1, strings.Repeat("x", n))
	}
	// However long a test takes, a body that has begun is waited for.
	slowly := []string{"--timeout", "1h", "--min-body-rate", "1"}
	slow := ""
	for _, c := range hostile.Pictures() {
		if c.Name == "refined-200-times.jpg" { // a second of decoding
			slow = string(c.Data)
		}
	}
	// beside asks about a picture while a slow one is worked on, which the metric
	// tells; again when that one was done too soon.
	beside := func(s *service, metric string) (status int, h http.Header, body string) {
		for range 20 {
			s.dial(fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(slow), slow))
			s.until("the slow picture", func() bool { return s.metric(metric) == 1 })
			if status, h, body = s.post("", pic); status != 200 {
				break
			}
			s.until("the end of the slow picture", func() bool { return s.metric(metric) == 0 })
		}
		return status, h, body
	}
	refused := func(t *testing.T, want, status int, header http.Header, body string) {
		t.Helper()
		if status != want {
			t.Errorf("status %d, want %d: %.300s", status, want, body)
		}
		if load := want == 429 || want == 503; load != (header.Get("Retry-After") != "") {
			t.Errorf("status %d with Retry-After %q", status, header.Get("Retry-After"))
		}
		if !strings.HasPrefix(body, `{"error":`) {
			t.Errorf("answer %.300s", body)
		}
	}
	for _, c := range []struct {
		name  string
		flags []string
		try   func(t *testing.T, s *service)
	}{
		{"max-body", []string{"--max-body", "1000"}, func(t *testing.T, s *service) {
			status, h, b := s.post("", make([]byte, 1001))
			refused(t, 413, status, h, b)
			status, h, b = s.post("", nil)
			refused(t, 400, status, h, b)
			r, w := io.Pipe() // of unknown length: chunks without end
			go func() {
				for {
					if _, err := w.Write(make([]byte, 100)); err != nil {
						return
					}
				}
			}()
			status, h, b = s.ask("POST", "/predict", "", r)
			refused(t, 413, status, h, b)
			_ = r.Close()
		}},
		{"max-bodies", append(slowly, "--max-body", "100000", "--max-bodies", "200002", "--queue-timeout", "-1s"), func(t *testing.T, s *service) {
			first, second := s.dial(stalled(90_000)), s.dial(stalled(90_000))
			s.until("two bodies", func() bool { return s.metric("whippet_body_bytes") == 2*90_002 })
			status, h, b := s.post("", make([]byte, 50_000))
			refused(t, 503, status, h, b)
			_, _ = first.Close(), second.Close()
			s.until("the bodies to be given up", func() bool { return s.metric("whippet_body_bytes") == 0 })
			if status, _, b = s.post("", pic); status != 200 {
				t.Errorf("afterwards: %d %s", status, b)
			}
		}},
		{"max-pictures", []string{"--max-pictures", "2"}, func(t *testing.T, s *service) {
			kind, body := forms(2, pic)
			if status, _, b := s.post(kind, body); status != 200 {
				t.Errorf("two pictures: %d %s", status, b)
			}
			kind, body = forms(3, pic)
			status, h, b := s.post(kind, body)
			refused(t, 413, status, h, b)
		}},
		{"max-pixels", []string{"--max-pixels", "80"}, func(t *testing.T, s *service) {
			status, h, b := s.post("", pic)
			refused(t, 413, status, h, b)
		}},
		{"max-requests", []string{"--max-requests", "1", "--queue-timeout", "-1s"}, func(t *testing.T, s *service) {
			status, h, b := beside(s, "whippet_requests_in_flight")
			refused(t, 503, status, h, b)
		}},
		{"min-body-rate", []string{"--timeout", "1h", "--min-body-rate", "1000000"}, func(t *testing.T, s *service) {
			if status := answer(s.dial(stalled(10))); status != 408 { // long before --timeout
				t.Errorf("a body slower than the least rate: %d, want 408", status)
			}
		}},
		{"queue", []string{"--queue", "1", "--max-pictures", "1", "--queue-timeout", "-1s"}, func(t *testing.T, s *service) {
			status, h, b := beside(s, `whippet_queue_pictures{model="m"}`)
			refused(t, 429, status, h, b)
		}},
		{"max-connections", append(slowly, "--max-connections", "1"), func(t *testing.T, s *service) {
			s.dial(stalled(3600))
			s.until("the request", func() bool { return s.metric("whippet_requests_receiving") == 1 })
			for range 2 {
				if status := answer(s.dial("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); status != 200 {
					t.Errorf("health with all connections busy: %d, want 200", status)
				}
			}
			status, h, b := s.post("", pic)
			refused(t, 503, status, h, b)
		}},
		{"timeout", []string{"--timeout", "2s"}, func(t *testing.T, s *service) {
			if status := answer(s.dial(stalled(10))); status != 408 {
				t.Errorf("a body that stalls: %d, want 408", status)
			}
			kind := "Content-Type: multipart/form-data; boundary=b\r\n"
			if status := answer(s.dial("POST /predict HTTP/1.1\r\nHost: localhost\r\n" + kind + "Content-Length: 99\r\n\r\n--b\r\n")); status != 408 {
				t.Errorf("a form that stalls: %d, want 408", status)
			}
			if status := answer(s.dial("POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")); status != 408 {
				t.Errorf("chunks that stall: %d, want 408", status)
			}
		}},
		{"drain", append(slowly, "--drain", "200ms"), func(t *testing.T, s *service) {
			s.dial(stalled(3600))
			s.until("the request", func() bool { return s.metric("whippet_requests_receiving") == 1 })
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			if code := s.wait(); code != 1 || !strings.Contains(s.out.String(), "cut off") {
				t.Errorf("exit code %d, want 1:\n%s", code, &s.out)
			}
		}},
		{"topk", []string{"--topk", "1"}, func(t *testing.T, s *service) {
			if _, _, b := s.post("", pic); strings.Count(b, "label") != 1 {
				t.Errorf("answer %s", b)
			}
		}},
		{"no-page", []string{"--no-page"}, func(t *testing.T, s *service) {
			for _, path := range []string{"/", "/page.js"} {
				if status, _, _ := s.ask("GET", path, "", nil); status != 404 {
					t.Errorf("GET %s: %d", path, status)
				}
			}
			if status, _, _ := s.ask("POST", "/explain", "", bytes.NewReader(pic)); status != 404 {
				t.Errorf("POST /explain: %d", status)
			}
		}},
		{"a header of 100 KiB", nil, func(t *testing.T, s *service) {
			c := s.dial("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n")
			if status := answer(c); status != 431 {
				t.Errorf("status %d, want 431", status)
			}
		}},
		{"a header byte by byte", nil, func(t *testing.T, s *service) {
			if testing.Short() {
				t.Skip("takes 10 s")
			}
			began := time.Now()
			c := s.dial("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
			go func() {
				for { // until the service closes the connection
					if _, err := io.WriteString(c, "x"); err != nil {
						return
					}
					time.Sleep(500 * time.Millisecond)
				}
			}()
			_, err := io.Copy(io.Discard, c) // for ever, when it is never closed
			if took := time.Since(began); took < 5*time.Second {
				t.Errorf("closed after %v (%v), want 10 s", took, err)
			}
		}},
		{"forms of a million parts and headers", nil, func(t *testing.T, s *service) {
			kind := "multipart/form-data; boundary=b"
			for _, body := range []string{
				strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n", 500_000),
				strings.Repeat("--b\r\n\r\n\r\n", 1_000_000),
				"--b\r\n" + strings.Repeat("X: y\r\n", 1_000_000),
				"--b\r\nX: " + strings.Repeat("y", 20<<20),
				"--b\r\n" + strings.Repeat("y", 20<<20),
				strings.Repeat("--", 10<<20),
			} {
				status, h, b := s.post(kind, []byte(body))
				refused(t, 400, status, h, b)
			}
			kind, body := forms(65, pic[:40])
			status, h, b := s.post(kind, body)
			refused(t, 413, status, h, b)
			if peak := s.peak(); peak > 400 {
				t.Errorf("%d MiB of memory at the peak", peak)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t, serving(t, memoryLimit(300), c.flags...))
		})
	}
}

// TestServeRefusesFlags: limits that make no sense are said at once.
func TestServeRefusesFlags(t *testing.T) {
	dir := t.TempDir()
	tiny(t, filepath.Join(dir, "m.safetensors"))
	for flags, says := range map[string]string{
		"--queue -1": "--queue is -1", "--queue 10": "--queue is 10, below --max-pictures, 64", "--max-body -5": "--max-body is -5", "--max-bodies 1000": "--max-bodies is 1000; it must be twice --max-body",
		"--batch 2000": "--batch is 2000; want 1 to 1024", "--max-requests -2": "--max-requests is -2", "--timeout -1s": "--timeout is -1s", "--address localhost:99999": "--address localhost:99999",
		"--log xml": `--log "xml": must be text or json`, "--socket-mode 999": `--socket-mode "999"`, "--address unix:missing/s": "--address unix:missing/s", "--tls-cert a.pem": "--tls-cert and --tls-key go together",
		"--tls-cert a.pem --tls-key b.pem": "a.pem", "--tokens missing": "missing", "--tokens m.safetensors": "m.safetensors", "--max-explain -1": "--max-explain is -1", "--min-body-rate -1": "--min-body-rate is -1",
		"--max-connections -1": "--max-connections is -1", "--topk -1": "--topk is -1", "--allowed-hosts pets.example,https://a.example": `--allowed-hosts has "https://a.example"`, "--drain -1s": "--drain is -1s",
	} {
		out := whippet(t, dir, 1, append([]string{"serve", "m.safetensors", "--address", "localhost:0"}, strings.Fields(flags)...)...)
		if len(out) > 2000 || !strings.Contains(out, says) || strings.Contains(out, "Options.") {
			t.Errorf("%s: %s; want %q", flags, out, says)
		}
	}
	if out := whippet(t, dir, 0, "serve", "--help"); !strings.Contains(out, `"localhost:8080"`) {
		t.Errorf("the default address is not this machine only:\n%s", out)
	}
}

// TestServeHostilePictures sends all of them at the same time, as they are, in
// forms and in the inference protocol.
func TestServeHostilePictures(t *testing.T) {
	slow.Test(t)
	s := serving(t, memoryLimit(2000), "--timeout", "1h", "--queue-timeout", "30m")
	// No more at once than are let in or may wait: the others would be refused, after
	// the half hour that they may wait.
	working, explaining := make(chan bool, serve.DefaultRequests), make(chan bool, serve.DefaultExplain)
	var wg sync.WaitGroup
	for _, c := range hostile.Pictures() {
		form := slices.Concat([]byte("--b\r\nContent-Disposition: form-data; filename=a\r\n\r\n"), c.Data, []byte("\r\n--b--\r\n"))
		protocol := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["%s"]}]}`, base64.StdEncoding.EncodeToString(c.Data))
		for _, way := range []struct {
			path, kind string
			body       []byte
		}{{"/predict", "image/jpeg", c.Data}, {"/predict", "multipart/form-data; boundary=b", form}, {"/v2/models/m/infer", "application/json", []byte(protocol)}, {"/explain", "", c.Data}} {
			turn := working
			if way.path == "/explain" {
				turn = explaining
			}
			wg.Go(func() {
				turn <- true
				defer func() { <-turn }()
				status, _, b := s.ask("POST", way.path, way.kind, bytes.NewReader(way.body))
				switch {
				case len(way.body) > 32<<20 && status == 413:
				case c.Says == "" && status != 200, c.Says != "" && (status < 400 || status > 499 || !strings.Contains(b, c.Says)):
					t.Errorf("%s as %q to %s: %d %.300s; want %q", c.Name, way.kind, way.path, status, b, c.Says)
				}
			})
		}
	}
	wg.Wait()
	// 512 MiB of bodies, twice; decoded pictures, 49 megapixels and more.
	if peak := s.peak(); peak > 2500 {
		t.Errorf("%d MiB of memory at the peak", peak)
	} else {
		t.Logf("%d MiB of memory at the peak", peak)
	}
	if status, _, b := s.post("", goodPicture(t)); status != 200 {
		t.Errorf("afterwards a picture gave %d: %s", status, b)
	}
}

// TestServeMemory sends more than the service may hold, in every form, from 64
// clients that never finish: memory stays within what docs/limits.md says.
func TestServeMemory(t *testing.T) {
	slow.Test(t)
	const body, bodies = 8 << 20, 64 << 20
	junk := strings.Repeat("QUJD", body/4-1000)
	request := func(path, kind, before, after string) string {
		n := len(before) + len(junk) + len(after)
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s%s%s", path, kind, n+1, before, junk, after)
	}
	var zeros bytes.Buffer // unpacked it is as long as the others, and it does not end
	z := gzip.NewWriter(&zeros)
	if _, err := z.Write(make([]byte, len(junk))); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	for name, sent := range map[string]string{
		"packed":   fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", zeros.Len()+1, &zeros),
		"bodies":   request("/predict", "image/png", "", ""),
		"forms":    request("/predict", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\n", "\r\n--b-"),
		"pictures": request("/v2/models/m/infer", "application/json", `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["`, `"]}]`),
		"chunks":   fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(junk), junk),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serving(t, memoryLimit(3*bodies>>20+50), "--max-body", fmt.Sprint(body), "--max-bodies", fmt.Sprint(bodies), "--timeout", "8s", "--queue-timeout", "-1s")
			before := s.peak()
			var wg sync.WaitGroup
			var statuses sync.Map
			for range 64 {
				wg.Go(func() {
					c, err := net.Dial("tcp", s.address)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					_, _ = io.WriteString(c, sent) // a refusal may come before its end
					statuses.Store(answer(c), true)
				})
			}
			wg.Wait()
			if _, ok := statuses.Load(503); !ok {
				t.Error("nothing was refused")
			}
			statuses.Range(func(status, _ any) bool {
				if status != 503 && status != 408 && status != 0 { // 0: closed while we were sending
					t.Errorf("status %d", status)
				}
				return true
			})
			// What is held, a growing buffer beside the one that it replaces, and the
			// buffers of 64 connections.
			if after := s.peak(); after-before > 3*bodies>>20+100 {
				t.Errorf("%d MiB of memory at the peak, %d before; %d MiB of bodies are allowed", after, before, bodies>>20)
			}
			if n := s.metric("whippet_body_bytes"); n != 0 {
				t.Errorf("%v bytes of bodies are still held", n)
			}
			if status, _, b := s.post("", goodPicture(t)); status != 200 {
				t.Errorf("afterwards a picture gave %d: %s", status, b)
			}
		})
	}
}
