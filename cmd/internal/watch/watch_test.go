package watch

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
)

// fakeLearner has what the watcher reads of a learner: 4 batches an epoch.
func fakeLearner() *train.Learner {
	return &train.Learner{DLs: &data.DataLoaders{Vocab: []string{"cat", "dog"}}, Metrics: []metrics.Metric{metrics.ErrorRate()},
		Results: train.Results{Recorder: &train.Recorder{}}, State: train.State{Hyper: make([]optim.Hyper, 2), Epochs: 2, Iters: 4, Phases: 1}}
}

// fakeStep is one training step as a fit tells of it.
func fakeStep(t testing.TB, w *Watcher, l *train.Learner, loss float64) {
	t.Helper()
	if l.Batch == nil {
		x := tensor.New(10, 6, 5, 3)
		l.Batch = &data.Batch{X: x, Y: target.Classes([]int{0, 1, 0, 1, 0, 1, 0, 1, 7, 0}), Index: make([]int, 10)}
	}
	l.Step++
	l.Recorder.Steps = append(l.Recorder.Steps, train.StepRecord{Loss: loss, Smooth: loss, LR: []float64{1e-5, 1e-3}})
	if err := w.On(train.AfterBatch, l); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o Options) *Watcher {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// stream reads the events of a page.
type stream struct {
	t    *testing.T
	body io.ReadCloser
	r    *bufio.Reader
}

func follow(t *testing.T, w *Watcher) *stream {
	t.Helper()
	resp, err := http.Get(w.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || ct != "text/event-stream" {
		t.Fatalf("status %d, type %q", resp.StatusCode, ct)
	}
	return &stream{t, resp.Body, bufio.NewReaderSize(resp.Body, 1<<20)}
}

type event struct {
	Status map[string]any
	Batch  batchInfo
	Curve  struct {
		Gen, Stride, From int
		Points            [][]*float64
		Tip               []*float64
	}
	Epochs struct {
		Gen, From int
		Rows      []map[string]any
	}
}

func (s *stream) next() event {
	s.t.Helper()
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var e event
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				s.t.Fatalf("%v in %s", err, text)
			}
			return e
		}
	}
}

func TestPage(t *testing.T) {
	w := open(t, Options{Title: "a <run>", Epochs: 2})
	for path, want := range map[string]string{"": "<title>Whippet: training</title>", "watch.js": "EventSource", "charts.js": "class Chart", "style.css": "prefers-color-scheme", "icon.svg": "<svg"} {
		resp, err := http.Get(w.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%q: status %d without %q", path, resp.StatusCode, want)
		}
		if strings.Contains(strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", ""), "://") {
			t.Errorf("%q refers to another place", path)
		}
	}
	if resp, err := http.Get(w.URL() + "batch.jpg"); err != nil || resp.StatusCode != 404 {
		t.Errorf("pictures before there are any: %v %v", resp, err)
	}
}

func TestStream(t *testing.T) {
	w, l := open(t, Options{Title: "run", Epochs: 2}), fakeLearner()
	first := follow(t, w)
	if e := first.next(); e.Status["stage"] != "starting" || len(e.Curve.Points) != 0 {
		t.Errorf("before training: %+v", e)
	}
	for _, e := range []train.Event{train.BeforeFit, train.BeforeTrain} {
		_ = w.On(e, l)
	}
	fakeStep(t, w, l, 2)
	fakeStep(t, w, l, math.Inf(1))
	var got event
	for got = first.next(); got.Status["step"] != 2.0; got = first.next() {
	}
	last := got.Curve.Points[len(got.Curve.Points)-1]
	if got.Status["stage"] != "training" || *last[0] != 2 || last[1] != nil || *last[3] != 1e-3 {
		t.Errorf("after two steps: %+v", got)
	}
	if got.Status["total"] != 8.0 || got.Status["rate"].(float64) <= 0 || got.Status["left"].(float64) < 0 {
		t.Errorf("progress: %v", got.Status)
	}
	// Who comes later, or again, gets everything.
	_ = w.On(train.BeforeValidate, l)
	l.Recorder.Rows = append(l.Recorder.Rows, train.Row{TrainLoss: 2, ValidLoss: math.NaN(), Metrics: []float64{0.5}, Time: time.Minute, Step: 2})
	_ = w.On(train.AfterEpoch, l)
	again := follow(t, w).next()
	if len(again.Curve.Points) != 2 || again.Curve.From != 0 || len(again.Epochs.Rows) != 1 {
		t.Errorf("a second page got %+v", again)
	}
	if row := again.Epochs.Rows[0]; row["valid_loss"] != nil || row["train_loss"] != 2.0 || row["seconds"] != 60.0 || row["step"] != 2.0 {
		t.Errorf("the epoch's row is %v", again.Epochs.Rows[0])
	}
	w.End("done", "over")
	w.End("failed", "not this one")
	for got = first.next(); got.Status["stage"] != "ended"; got = first.next() {
	}
	if got.Status["end"] != "done" || got.Status["text"] != "over" {
		t.Errorf("at the end: %v", got.Status)
	}
	if _, err := first.r.ReadString('!'); err != io.EOF {
		t.Errorf("the stream does not end: %v", err)
	}
}

func TestPictures(t *testing.T) {
	w, l := open(t, Options{PicturesEvery: time.Millisecond}), fakeLearner()
	fakeStep(t, w, l, 1)
	w.pics.wait.Wait()
	resp, err := http.Get(w.URL() + "batch.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	m, err := jpeg.Decode(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Bounds(); b.Dx() != 4*5 || b.Dy() != 2*6 {
		t.Errorf("the grid is %v, want 20×12", b)
	}
	s := follow(t, w)
	if e := s.next(); e.Batch.N != 1 || fmt.Sprint(e.Batch.Labels) != "[cat dog cat dog cat dog cat dog]" {
		t.Errorf("pictures: %+v", e.Batch)
	}
	// With a viewer they are renewed, without one they are not.
	time.Sleep(2 * time.Millisecond)
	fakeStep(t, w, l, 1)
	for e := s.next(); e.Batch.N != 2; e = s.next() {
	}
	_ = s.body.Close()
	for w.viewers.Load() > 0 { // for ever, when a closed page goes on to count
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * time.Millisecond)
	fakeStep(t, w, l, 1)
	w.pics.wait.Wait()
	if w.batch.N != 2 {
		t.Errorf("%d pictures taken with nobody looking", w.batch.N)
	}
}

func TestDrawGridShrinks(t *testing.T) {
	info, b, err := drawGrid(tensor.New(3, 500, 300, 3), Options{}.Stats)
	if err != nil || info.Width != 100 || info.Height != 167 || info.Columns != 3 || info.Rows != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if len(b) > 20_000 {
		t.Errorf("%d bytes of nothing", len(b))
	}
}

// A run of days: memory and what is sent stay bounded, and no stretch of
// training is missing from the curve.
func TestHistoryIsBounded(t *testing.T) {
	var s series
	const steps = 3_000_001
	for i := range steps {
		s.add(point{step: i + 1, loss: float64(i % 2)})
		if len(s.points) >= maxPoints {
			t.Fatalf("%d points", len(s.points))
		}
	}
	if len(s.points) < maxPoints/4 {
		t.Errorf("only %d points are left", len(s.points))
	}
	for i, p := range s.points {
		if p.step != (i+1)*s.stride || math.Abs(p.loss-0.5) > 1e-9 {
			t.Fatalf("point %d is %+v with stride %d; want the mean 0.5", i, p, s.stride)
		}
	}
	if got := len(s.points)*s.stride + s.n; got != steps {
		t.Errorf("the curve has %d steps of %d", got, steps)
	}
	var e epochs
	for i := 1; i <= 100_000; i++ {
		e.add(epochRow{N: i})
		if len(e.rows) > maxRows {
			t.Fatalf("%d rows", len(e.rows))
		}
		if e.rows[len(e.rows)-1].N != i {
			t.Fatalf("the newest row is %d, want %d", e.rows[len(e.rows)-1].N, i)
		}
	}
}

func TestResumedHistory(t *testing.T) {
	w, l := open(t, Options{}), fakeLearner()
	for i := range 9 {
		l.Recorder.Steps = append(l.Recorder.Steps, train.StepRecord{Loss: float64(i), LR: []float64{1}})
	}
	l.Recorder.Rows = []train.Row{{Step: 4}, {Step: 8}}
	_ = w.On(train.BeforeFit, l)
	e := follow(t, w).next()
	if len(e.Curve.Points) != 9 || len(e.Epochs.Rows) != 2 || e.Epochs.Rows[0]["step"] != 4.0 || e.Epochs.Rows[1]["step"] != 8.0 {
		t.Errorf("%+v", e)
	}
}

func TestPace(t *testing.T) {
	var p pace
	if !math.IsNaN(p.left(3, 0)) || p.rate() != 0 {
		t.Error("a pace before the first batch")
	}
	now := time.Unix(0, 0)
	p.begin(now)
	for range 200 { // half a second a batch of 32
		now = now.Add(500 * time.Millisecond)
		p.batch(now, 32)
	}
	p.valid = 3
	if r := p.rate(); math.Abs(r-64) > 1e-6 {
		t.Errorf("rate %v, want 64", r)
	}
	if s := p.left(10, 2); math.Abs(s-11) > 1e-6 {
		t.Errorf("left %v s, want 11", s)
	}
	now = now.Add(time.Hour) // asleep
	p.batch(now, 32)
	now = now.Add(500 * time.Millisecond)
	p.batch(now, 32)
	if r := p.rate(); math.Abs(r-64) > 1e-6 {
		t.Errorf("rate %v after an hour in which the process was stopped, want 64", r)
	}
	p.renew() // thawed: twice as long from now on
	p.begin(now)
	now = now.Add(time.Second)
	p.batch(now, 32)
	if r := p.rate(); math.Abs(r-32) > 1e-6 {
		t.Errorf("rate %v after a change, want 32 at once", r)
	}
}

func TestTooManyPages(t *testing.T) {
	w := open(t, Options{})
	w.viewers.Store(maxViewers)
	resp, err := http.Get(w.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", resp.StatusCode)
	}
	w.viewers.Store(0)
}

// BenchmarkOn is what a step costs on the training goroutine.
func BenchmarkOn(b *testing.B) {
	w, l := open(b, Options{}), fakeLearner()
	l.Recorder.Steps = make([]train.StepRecord, 0, b.N+1)
	for b.Loop() {
		l.Step++
		l.Recorder.Steps = append(l.Recorder.Steps, train.StepRecord{Loss: 1})
		_ = w.On(train.AfterBatch, l)
	}
}

// BenchmarkPictures is what new pictures cost, every five seconds while somebody
// looks: the copy on the training goroutine (copy-ms) and the drawing beside it
// (draw-ms), for a batch of 64 at 224×224.
func BenchmarkPictures(b *testing.B) {
	w, l := open(b, Options{PicturesEvery: time.Nanosecond}), fakeLearner()
	w.viewers.Store(1)
	x := tensor.New(64, 224, 224, 3)
	for i := range x.Data {
		x.Data[i] = float32(i%509)/128 - 2
	}
	l.Batch = &data.Batch{X: x, Y: target.Classes(make([]int, 64)), Index: make([]int, 64)}
	for b.Loop() {
		_ = w.On(train.AfterBatch, l)
		w.pics.wait.Wait()
	}
	w.viewers.Store(0)
	training, drawing := w.Cost()
	b.ReportMetric(training.Seconds()*1e3/float64(b.N), "copy-ms")
	b.ReportMetric(drawing.Seconds()*1e3/float64(b.N), "draw-ms")
}

// BenchmarkEvents is what a new page costs that gets a full history, in time and
// bytes.
func BenchmarkEvents(b *testing.B) {
	w, l := open(b, Options{}), fakeLearner()
	for i := range 3 * maxPoints {
		w.curve.add(point{step: i + 1, loss: 1.2345678 / float64(i+1), smooth: 0.3333333, lr: 1e-3 / 3})
	}
	_ = w.On(train.AfterBatch, l)
	n := 0
	for b.Loop() {
		e, err := w.since(&seen{}, true)
		if err != nil {
			b.Fatal(err)
		}
		n = len(e)
	}
	b.ReportMetric(float64(n), "bytes")
}
