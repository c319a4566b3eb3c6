package mlflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/train"
)

// server behaves as an MLflow server does, as far as the callback asks.
type server struct {
	mu       sync.Mutex
	answer   func(w http.ResponseWriter, r *http.Request) bool // answers in its place
	metrics  []metric
	params   []pair
	status   []string
	requests []string
	auth     string
	file     string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.URL.Path)
	s.auth = r.Header.Get("Authorization")
	if s.answer != nil && s.answer(w, r) {
		return
	}
	var in struct {
		RunID   string `json:"run_id"`
		Metrics []metric
		Params  []pair
		Status  string
	}
	b, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(b, &in)
	const info = `"info":{"run_id":"r1","artifact_uri":"mlflow-artifacts:/1/r1/artifacts"}`
	switch path := strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/"); path {
	case "experiments/get-by-name":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such experiment"}`)
	case "experiments/create":
		fmt.Fprint(w, `{"experiment_id":"1"}`)
	case "runs/create":
		fmt.Fprintf(w, `{"run":{%s}}`, info)
	case "runs/get":
		newest := map[string]metric{}
		for _, m := range s.metrics {
			newest[m.Key] = m
		}
		var all []metric
		for _, m := range newest {
			all = append(all, m)
		}
		b, _ := json.Marshal(all)
		fmt.Fprintf(w, `{"run":{%s,"data":{"metrics":%s}}}`, info, b)
	case "runs/log-batch":
		if len(in.Metrics) > maxMetrics || len(in.Params) > maxParams {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.metrics, s.params = append(s.metrics, in.Metrics...), append(s.params, in.Params...)
		fmt.Fprint(w, `{}`)
	case "runs/update":
		s.status = append(s.status, in.Status)
		fmt.Fprint(w, `{}`)
	case "/api/2.0/mlflow-artifacts/artifacts/1/r1/artifacts/model.safetensors":
		s.file = string(b)
		fmt.Fprint(w, `{}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// soon makes the goroutine's waits short for a test.
func soon(t *testing.T) {
	every, first := sendEvery, firstDelay
	sendEvery, firstDelay = time.Millisecond, time.Millisecond
	t.Cleanup(func() { sendEvery, firstDelay = every, first })
}

func open(t *testing.T) (*server, string) {
	t.Helper()
	soon(t)
	s := &server{}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL
}

func learner() *train.Learner {
	return &train.Learner{Results: train.Results{Recorder: &train.Recorder{MetricNames: []string{"error_rate"}}}}
}

// play tells c of steps up to number n, and of the epochs that end with every second one.
func play(t *testing.T, c *Callback, l *train.Learner, n int) {
	t.Helper()
	tell := func(e train.Event) {
		if err := c.On(e, l); err != nil {
			t.Fatal(err)
		}
	}
	tell(train.BeforeFit)
	for r := l.Recorder; len(r.Steps) < n; {
		v := float64(len(r.Steps) + 1)
		r.Steps = append(r.Steps, train.StepRecord{Loss: v, Smooth: v, LR: []float64{1, v}, Mom: []float64{1, 1}})
		tell(train.AfterBatch)
		if len(r.Steps)%2 == 0 {
			r.Rows = append(r.Rows, train.Row{TrainLoss: v, ValidLoss: math.NaN(), Metrics: []float64{v}, Step: len(r.Steps)})
			tell(train.AfterEpoch)
		}
	}
}

// keys writes metrics as KEY@STEP=VALUE.
func keys(ms []metric) (out []string) {
	for _, m := range ms {
		out = append(out, fmt.Sprintf("%s@%d=%g", m.Key, m.Step, m.Value))
	}
	return out
}

func history(n int) (out []string) {
	for i := 1; i <= n; i++ {
		out = append(out, fmt.Sprintf("step/smooth_loss@%d=%d", i, i), fmt.Sprintf("step/lr@%d=%d", i, i), fmt.Sprintf("step/loss@%d=%d", i, i))
		if i%2 == 0 {
			out = append(out, fmt.Sprintf("train_loss@%d=%d", i, i), fmt.Sprintf("error_rate@%d=%d", i, i), fmt.Sprintf("epoch@%d=%d", i, i/2))
		}
	}
	return out
}

func TestHistory(t *testing.T) {
	s, url := open(t)
	t.Setenv("MLFLOW_TRACKING_USERNAME", "ada")
	t.Setenv("MLFLOW_TRACKING_PASSWORD", "secret")
	model := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(model, []byte("weights"), 0o666); err != nil {
		t.Fatal(err)
	}
	created := ""
	c := &Callback{URL: url + "/", Params: map[string]string{"lr": "1", "arch": strings.Repeat("ä", 600)}, Created: func(id string) { created = id }, Artifacts: []string{model}}
	play(t, c, learner(), 1001)
	if err := c.Close(nil); err != nil {
		t.Fatal(err)
	}
	if got := keys(s.metrics); !slices.Equal(got, history(1001)) {
		t.Errorf("the server has %d values, want %d", len(got), len(history(1001)))
	}
	if len(s.params) != 2 || s.params[0] != (pair{"arch", strings.Repeat("ä", 500)}) || s.params[1] != (pair{"lr", "1"}) {
		t.Errorf("params %v", s.params)
	}
	if !slices.Equal(s.status, []string{"FINISHED"}) || s.file != "weights" || created != "r1" || s.auth != "Basic YWRhOnNlY3JldA==" {
		t.Errorf("status %v, file %q, run %q, authorization %q", s.status, s.file, created, s.auth)
	}
}

// TestResume: a run that goes on has every value once, and what is done in another way
// again.
func TestResume(t *testing.T) {
	for _, changed := range []bool{false, true} {
		s, url := open(t)
		c, l := &Callback{URL: url}, learner()
		play(t, c, l, 7)
		if err := c.Close(train.ErrInterrupted); !errors.Is(err, train.ErrInterrupted) {
			t.Fatal(err)
		}
		r := l.Recorder
		again := &train.Learner{Results: train.Results{Recorder: &train.Recorder{MetricNames: r.MetricNames, Steps: slices.Clone(r.Steps[:4]), Rows: slices.Clone(r.Rows[:2])}}}
		c = &Callback{URL: url, RunID: "r1", Changed: changed, Params: map[string]string{"lr": "2"}}
		play(t, c, again, 9)
		if err := c.Close(nil); err != nil {
			t.Fatal(err)
		}
		want := history(9)
		if changed {
			want = append(history(7), history(9)[len(history(4)):]...)
		}
		if got := keys(s.metrics); !slices.Equal(got, want) {
			t.Errorf("changed %v: %q\nwant %q", changed, got, want)
		}
		if !slices.Equal(s.status, []string{"KILLED", "RUNNING", "FINISHED"}) || len(s.params) != 0 {
			t.Errorf("status %v, params %v", s.status, s.params)
		}
	}
}

// TestAway: a server that answers late gets everything; that it was away is said once.
func TestAway(t *testing.T) {
	s, url := open(t)
	left := 5
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		if left--; left < 0 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	notes := 0
	c := &Callback{URL: url, Note: func(string) { notes++ }}
	play(t, c, learner(), 5)
	if err := c.Close(nil); err != nil {
		t.Fatal(err)
	}
	if got := keys(s.metrics); !slices.Equal(got, history(5)) || notes != 1 {
		t.Errorf("%d notes, values %q", notes, got)
	}
}

// TestNever: a server that never answers neither stops training nor its end; what is
// missing there is said.
func TestNever(t *testing.T) {
	soon(t)
	free := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free }))
	defer h.Close()
	defer close(free)
	c := &Callback{URL: h.URL, Patience: 50 * time.Millisecond}
	play(t, c, learner(), 4)
	err := c.Close(nil)
	if !errors.Is(err, ErrNotSent) || !strings.Contains(err.Error(), "18 values are missing") {
		t.Errorf("Close gives %v", err)
	}
}

// TestRefused: what asking again would not change is said at once and at the end.
func TestRefused(t *testing.T) {
	s, url := open(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error_code":"PERMISSION_DENIED","message":"not you"}`)
		return true
	}
	told := make(chan string, 1)
	c, l := &Callback{URL: url, Note: func(text string) { told <- text }}, learner()
	play(t, c, l, 1)
	if text := <-told; !strings.Contains(text, "not you") || !strings.Contains(text, "MLFLOW_TRACKING_TOKEN") {
		t.Errorf("the note is %q", text)
	}
	play(t, c, l, 100)
	if err := c.Close(nil); !errors.Is(err, ErrNotSent) || !strings.Contains(err.Error(), "not you") {
		t.Errorf("Close gives %v", err)
	}
	if len(s.requests) != 1 {
		t.Errorf("it was asked %d times", len(s.requests))
	}
}

func TestAddresses(t *testing.T) {
	t.Setenv("MLFLOW_TRACKING_URI", "")
	for address, want := range map[string]string{"": "MLFLOW_TRACKING_URI", "localhost:5000": "http://HOST:PORT", "file:///tmp/x": "http://HOST:PORT",
		"http://a:b@c": "MLFLOW_TRACKING_USERNAME", "http://c?x=1": "no query", "http://[": "address"} {
		if err := (&Callback{URL: address}).On(train.BeforeFit, learner()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "a:b") {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
	t.Setenv("MLFLOW_TRACKING_URI", "https://example.org/mlflow/")
	c := &Callback{}
	if err := c.Check(); err != nil || c.Server() != "https://example.org/mlflow" {
		t.Errorf("%v, %s", err, c.Server())
	}
}
