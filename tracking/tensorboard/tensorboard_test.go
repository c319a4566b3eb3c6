package tensorboard

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/whippet-ml/whippet/train"
)

// learner is one whose fit the tests play: two batches an epoch, and two layer groups.
func learner() *train.Learner {
	return &train.Learner{Results: train.Results{Recorder: &train.Recorder{MetricNames: []string{"error_rate"}}}}
}

// play tells c of steps up to number n, and of the epochs that end with every second one.
func play(t *testing.T, c *Callback, l *train.Learner, n int) {
	t.Helper()
	r := l.Recorder
	tell := func(e train.Event) {
		if err := c.On(e, l); err != nil {
			t.Fatal(err)
		}
	}
	tell(train.BeforeFit)
	for len(r.Steps) < n {
		v := float64(len(r.Steps) + 1)
		r.Steps = append(r.Steps, train.StepRecord{Loss: 1 / v, Smooth: 2 / v, LR: []float64{v / 1000, v / 100}, Mom: []float64{0.9, 0.95}})
		tell(train.AfterBatch)
		if len(r.Steps)%2 == 0 {
			valid := 3 / v
			if len(r.Rows) == 0 {
				valid = math.NaN()
			}
			r.Rows = append(r.Rows, train.Row{TrainLoss: 2 / v, ValidLoss: valid, Metrics: []float64{v / 10}, Step: len(r.Steps)})
			tell(train.AfterEpoch)
		}
	}
	tell(train.AfterFit)
}

// upTo returns a learner as a checkpoint after n steps gives it back.
func upTo(l *train.Learner, n int) *train.Learner {
	r := &train.Recorder{MetricNames: l.Recorder.MetricNames, Steps: slices.Clone(l.Recorder.Steps[:n]), Rows: slices.Clone(l.Recorder.Rows[:n/2])}
	return &train.Learner{Results: train.Results{Recorder: r}}
}

// read returns all values of the event files of a folder, and the wall time of each event.
func read(t *testing.T, dir string) (values []string, walls []float64) {
	t.Helper()
	paths, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for content, rest, ok := nextRecord(b); ok; content, rest, ok = nextRecord(rest) {
			wall, step, _ := readEvent(content)
			fields(content, func(n protowire.Number, _ uint64, summary []byte) {
				if n != eventSummary {
					return
				}
				walls = append(walls, wall)
				fields(summary, func(_ protowire.Number, _ uint64, value []byte) {
					var tag string
					for len(value) > 0 {
						n, kind, size := protowire.ConsumeTag(value)
						value = value[size:]
						switch {
						case n == valueTag:
							tag, size = protowire.ConsumeString(value)
						case n == valueSimple:
							var bits uint32
							bits, size = protowire.ConsumeFixed32(value)
							values = append(values, fmt.Sprintf("%s %d %.6g", tag, step, math.Float32frombits(bits)))
						default:
							values = append(values, tag)
							size = protowire.ConsumeFieldValue(n, kind, value)
						}
						value = value[size:]
					}
				})
			})
		}
	}
	return values, walls
}

// TestHistory: every value of the recorder is there once.
func TestHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "boards", "first")
	c, l := &Callback{Dir: dir, Settings: map[string]string{"lr": "1"}}, learner()
	play(t, c, l, 3)
	if err := c.Close(nil); err != nil {
		t.Fatal(err)
	}
	got, _ := read(t, dir)
	want := []string{tagExperiment, tagSessionStart,
		"step/loss 1 1", "step/smooth_loss 1 2", "step/lr 1 0.01", "step/momentum 1 0.95", "step/lr/group_0 1 0.001", "step/lr/group_1 1 0.01",
		"step/loss 2 0.5", "step/smooth_loss 2 1", "step/lr 2 0.02", "step/momentum 2 0.95", "step/lr/group_0 2 0.002", "step/lr/group_1 2 0.02",
		"epoch/train_loss 2 1", "epoch/error_rate 2 0.2",
		"step/loss 3 0.333333", "step/smooth_loss 3 0.666667", "step/lr 3 0.03", "step/momentum 3 0.95", "step/lr/group_0 3 0.003", "step/lr/group_1 3 0.03",
		tagSessionEnd}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestResume: a run that was interrupted anywhere and goes on from an earlier step has
// the values of one that was not, with the times of what was done before.
func TestResume(t *testing.T) {
	whole := t.TempDir()
	c, l := &Callback{Dir: whole}, learner()
	play(t, c, l, 9)
	if err := c.Close(train.ErrInterrupted); err != nil && !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	want, _ := read(t, whole)
	for _, lost := range []int{0, 1, 20, 1 << 20} { // bytes at the end of the file that the crash took
		for from := range 7 {
			dir := t.TempDir()
			first := &Callback{Dir: dir}
			play(t, first, learner(), 6)
			paths, _ := Find(dir)
			info, err := os.Stat(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(paths[0], max(info.Size()-int64(lost), 0)); err != nil {
				t.Fatal(err)
			}
			_, before := read(t, dir)
			time.Sleep(time.Millisecond)
			again := &Callback{Dir: dir}
			play(t, again, upTo(l, from), 9)
			got, walls := read(t, dir)
			if !slices.Equal(got, want) {
				t.Fatalf("%d bytes lost, on from step %d:\n%s\nwant\n%s", lost, from, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if !slices.IsSorted(walls) {
				t.Errorf("%d bytes lost, on from step %d: times go back: %v", lost, from, walls)
			}
			if n := min(len(before), from+from/2); n > 0 && lost < 1<<20 && !slices.Equal(walls[:n], before[:n]) {
				t.Errorf("%d bytes lost, on from step %d: times %v, were %v", lost, from, walls[:n], before[:n])
			}
			if paths, _ := Find(dir); len(paths) != 1 {
				t.Errorf("%d files, want one", len(paths))
			}
		}
	}
}

// TestSecondFit: a fit more of the same learner goes on in the same file.
func TestSecondFit(t *testing.T) {
	dir := t.TempDir()
	c, l := &Callback{Dir: dir}, learner()
	play(t, c, l, 2)
	first, _ := Find(dir)
	play(t, c, l, 4)
	second, _ := Find(dir)
	if got, _ := read(t, dir); len(first) != 1 || !slices.Equal(first, second) || len(got) != 4*6+2+3 {
		t.Errorf("files %q, then %q; values %q", first, second, got)
	}
}

// TestFailure: what cannot be written is told and does not end training, and is written
// when it can be.
func TestFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(dir, nil, 0o666); err != nil { // a file is in the way
		t.Fatal(err)
	}
	if err := (&Callback{Dir: dir}).On(train.BeforeFit, learner()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("without Failed: %v", err)
	}
	var told []error
	c, l := &Callback{Dir: dir, Failed: func(err error) { told = append(told, err) }}, learner()
	play(t, c, l, 2)
	if len(told) == 0 {
		t.Error("nobody was told")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	play(t, c, l, 4)
	if got, _ := read(t, dir); len(got) != 4*6+2+3 {
		t.Errorf("afterwards there are %d values: %q", len(got), got)
	}
	fit := errors.New("the fit's")
	if err := c.Close(fit); !errors.Is(err, fit) {
		t.Errorf("Close gives %v", err)
	}
}

func BenchmarkStep(b *testing.B) {
	c, l := &Callback{Dir: b.TempDir()}, learner()
	if err := c.On(train.BeforeFit, l); err != nil {
		b.Fatal(err)
	}
	s := train.StepRecord{Loss: 1, Smooth: 1, LR: []float64{1, 2, 3}, Mom: []float64{1, 2, 3}}
	b.ReportAllocs()
	for b.Loop() {
		l.Recorder.Steps = append(l.Recorder.Steps, s)
		if err := c.On(train.AfterBatch, l); err != nil {
			b.Fatal(err)
		}
	}
}
