package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train/checkpoint"
)

// interruptAt ends the context at the k-th occurrence of an event, from 0, in
// the life of the value.
type interruptAt struct {
	event  Event
	k      int
	seen   int
	cancel context.CancelFunc
}

func (i *interruptAt) On(e Event, l *Learner) error {
	if e == i.event {
		if i.seen == i.k {
			i.cancel()
		}
		i.seen++
	}
	return nil
}

// recipes are fits with all that a checkpoint must remember.
var recipes = []struct {
	name  string
	opts  func() []Option
	train func(ctx context.Context, l *Learner, extra ...Callback) error
}{
	{"fine-tune, mixup, save-best, early stopping",
		func() []Option {
			return []Option{Metrics(metrics.ErrorRate(), metrics.Accuracy()),
				Callbacks(&MixUp{}, &SaveBest{Restore: true}, &EarlyStopping{Patience: 1, Monitor: "error_rate"})}
		},
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			return l.FineTune(ctx, 3, BaseLR(0.02), With(extra...))
		}},
	{"one-cycle, SGD, frozen batch norms",
		func() []Option { return []Option{Optimizer(&optim.SGD{}), TrainBN(false)} },
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			if err := l.Freeze(); err != nil {
				return err
			}
			return l.FitOneCycle(ctx, 2, schedule.Flat(0.1), With(extra...))
		}},
	{"fine-tune, average of weights, clipping",
		func() []Option {
			return []Option{AverageWeights(EMA{Decay: 0.7, WarmUp: true}), ClipNorm(0.5), Callbacks(&RandomErasing{}, &CutMix{MixUp: 0.8}, &SaveBest{Restore: true})}
		},
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			return l.FineTune(ctx, 1, BaseLR(0.02), With(extra...))
		}},
	{"two sizes of pictures",
		func() []Option { return []Option{growing(1, 2), Callbacks(&SaveBest{Restore: true})} },
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			return l.FineTune(ctx, 2, BaseLR(0.02), With(extra...))
		}},
	{"a teacher, mixup",
		func() []Option { return []Option{Distill(tinyTeacher()), Callbacks(&MixUp{})} },
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			return l.FineTune(ctx, 1, BaseLR(0.02), With(extra...))
		}},
	{"two fits in one plan, lookahead",
		func() []Option { return []Option{Optimizer(&optim.Lookahead{Opt: &optim.RAdam{}})} },
		func(ctx context.Context, l *Learner, extra ...Callback) error {
			a, err := l.NewPhase("flat-cos", 1, schedule.Flat(1e-2), nil)
			if err != nil {
				return err
			}
			b, err := l.NewPhase("constant", 2, schedule.SliceTo(1e-2), nil)
			if err != nil {
				return err
			}
			return l.Run(ctx, []Phase{a, b}, extra...)
		}},
}

// TestResumeEqualsUninterrupted interrupts each recipe at every step, every
// validation and every end of an epoch, and again after each resumption, and
// compares model and history, bit for bit, with a run that was left alone.
func TestResumeEqualsUninterrupted(t *testing.T) {
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			alone := tinyLearner(t, 2, r.opts()...)
			if err := r.train(context.Background(), alone); err != nil {
				t.Fatal(err)
			}
			want, rows := modelBits(alone), history(alone)
			if len(alone.Recorder.Rows) < 2 {
				t.Fatalf("the run has %d epochs", len(alone.Recorder.Rows))
			}
			interrupted := 0
			for _, event := range []Event{BeforeFit, BeforeBatch, AfterStep, BeforeValidate, AfterEpoch, AfterFit} {
				for _, every := range []int{0, 1, 3, 7} {
					dir := t.TempDir()
					for try := 0; ; try++ {
						if try > 60 {
							t.Fatalf("%v: interrupted 60 times and still not done", event)
						}
						l := tinyLearner(t, 2, r.opts()...)
						l.Checkpoints = &Checkpoints{Dir: dir}
						ctx, cancel := context.WithCancel(context.Background())
						stop := &interruptAt{event: event, k: every, cancel: cancel}
						c, err := LoadCheckpoint(dir)
						switch {
						case errors.Is(err, ErrNoCheckpoint):
							err = r.train(ctx, l, stop)
						case err == nil:
							err = l.Resume(ctx, c, stop)
						}
						cancel()
						if err == nil {
							what := event.String() + " interrupted"
							sameBits(t, what, want, modelBits(l))
							if h := history(l); h != rows {
								t.Errorf("%s: the history differs:\n%s\n%s", what, rows, h)
							}
							break
						}
						if !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.Canceled) {
							t.Fatal(err)
						}
						interrupted++
						// The first interruption of a fit comes before anything is done,
						// and always would: let the next one come later.
						if event == BeforeFit || event == BeforeBatch || event == BeforeValidate || event == AfterEpoch {
							every++
						}
					}
				}
			}
			if interrupted < 20 {
				t.Errorf("only %d interruptions", interrupted)
			}
		})
	}
}

func checkpointed(t *testing.T, dir string, opts ...Option) *Learner {
	t.Helper()
	l := tinyLearner(t, 1, opts...)
	l.Checkpoints = &Checkpoints{Dir: dir, Keep: 3}
	return l
}

// interruptedRun leaves the checkpoints of a run that was stopped in its second
// epoch of three.
func interruptedRun(t *testing.T, opts ...Option) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := checkpointed(t, dir, opts...).FitOneCycle(ctx, 3, schedule.Flat(1e-2), With(&interruptAt{event: AfterStep, k: 7, cancel: cancel}))
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("the fit ended with %v", err)
	}
	return dir
}

// TestDamagedCheckpoints damages the newest checkpoint in every way a crash, a
// full disk or a bad one can, and expects the one before it.
func TestDamagedCheckpoints(t *testing.T) {
	dir := interruptedRun(t)
	paths, err := checkpoint.Folder{Dir: dir}.Paths()
	if err != nil || len(paths) != 2 {
		t.Fatalf("checkpoints %v, %v", paths, err)
	}
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		b := append([]byte(nil), whole...)
		b[at] ^= 1
		return b
	}
	meta := strings.Index(string(whole), `\"step\":8`)
	if meta < 0 {
		t.Fatal("the metadata has no step 8")
	}
	for _, c := range []struct {
		name    string
		content []byte
	}{
		{"empty", nil},
		{"cut in the header", whole[:100]},
		{"cut in the arrays", whole[:len(whole)-1]},
		{"longer", append(append([]byte(nil), whole...), 0)},
		{"a bit of the last array", flipped(len(whole) - 3)},
		{"a digit of the state", flipped(meta + 9)},
		{"zeros", make([]byte, len(whole))},
		{"text", []byte("this is no checkpoint")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(paths[0], c.content, 0o666); err != nil {
				t.Fatal(err)
			}
			cp, err := LoadCheckpoint(dir)
			if err != nil {
				t.Fatal(err)
			}
			if cp.Path != paths[1] || cp.Step() != tinyIters {
				t.Errorf("took %s at step %d, want %s at step %d", cp.Path, cp.Step(), paths[1], tinyIters)
			}
			if len(cp.Skipped) != 1 || !errors.Is(cp.Skipped[0], ErrDamagedCheckpoint) || !strings.Contains(cp.Skipped[0].Error(), filepath.Base(paths[0])) {
				t.Errorf("skipped: %v, want one that names %s", cp.Skipped, paths[0])
			}
		})
	}

	// Going on from the older one gives the same end, and the damaged file does
	// not come back as the newest.
	l := checkpointed(t, dir)
	cp, err := LoadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(context.Background(), cp); err != nil {
		t.Fatal(err)
	}
	alone := tinyLearner(t, 1)
	if err := alone.FitOneCycle(context.Background(), 3, schedule.Flat(1e-2)); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "resumed past a damaged checkpoint", modelBits(alone), modelBits(l))
	if cp, err = LoadCheckpoint(dir); err != nil || !cp.Done() {
		t.Errorf("after the end, the newest checkpoint is %+v, %v", cp, err)
	}

	all, _ := checkpoint.Folder{Dir: dir}.Paths()
	for _, p := range all {
		if err := os.WriteFile(p, whole[:50], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadCheckpoint(dir); !errors.Is(err, ErrDamagedCheckpoint) || errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("all damaged: %v", err)
	}
	if _, err := LoadCheckpoint(filepath.Join(dir, "none")); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("no folder: %v", err)
	}
}

// TestForeignCheckpoints resumes with another learner than the first and wants
// the difference named, and the learner untouched.
func TestForeignCheckpoints(t *testing.T) {
	dir := interruptedRun(t, Callbacks(&EarlyStopping{Patience: 9}))
	early := func() Option { return Callbacks(&EarlyStopping{Patience: 9}) }
	for _, c := range []struct {
		name   string
		change func(l *Learner)
		want   string
	}{
		{"architecture", func(l *Learner) { a := *l.Model.Arch; a.Name = "other"; l.Model.Arch = &a }, "architecture is tiny, the learner's other"},
		{"vocabulary", func(l *Learner) { l.DLs.Vocab = []string{"a", "b", "x"} }, "vocabulary is a, b, c, the learner's a, b, x"},
		{"seed", func(l *Learner) { l.Seed = 8 }, "seed is 7, the learner's 8"},
		{"TrainBN", func(l *Learner) { l.TrainBN = false }, "TrainBN is true"},
		{"loss", func(l *Learner) { l.Loss = loss.LabelSmoothingCrossEntropy() }, "loss is "},
		{"optimizer", func(l *Learner) { l.opt = &optim.SGD{} }, "optimizer is"},
		{"fewer pictures", func(l *Learner) {
			cfg := l.DLs.Train.Config()
			x, y := tinyTensors(1, 43)
			cfg.Source = nil
			l.DLs.Train = fixedLoader(t, x, y, cfg, 0.2)
		}, "number of training pictures is 44, the learner's 43"},
		{"fewer validation pictures", func(l *Learner) {
			cfg := l.DLs.Valid.Config()
			x, y := tinyTensors(1, len(l.DLs.Valid.Items())-1)
			cfg.Source = nil
			l.DLs.Valid = fixedLoader(t, x, y, cfg, 0.2)
		}, "number of validation pictures is"},
		{"other labels", func(l *Learner) { l.DLs.Train.Targets().Class[5] = (l.DLs.Train.Targets().Class[5] + 1) % tinyClasses }, "other pictures or labels"},
		{"batch size", func(l *Learner) {
			cfg := l.DLs.Train.Config()
			cfg.BatchSize = 4
			l.DLs.Train = fixedLoader(t, cfg.BatchTransforms.(fixedInput).x, cfg.Targets.Class, cfg, 0.2)
		}, "batch size is 8, the learner's 4"},
		{"shards", func(l *Learner) { l.Shards = 2 }, "number of shards is 1, the learner's 2"},
		{"callback missing", func(l *Learner) { l.Callbacks = nil }, `callback "early-stopping"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cp, err := LoadCheckpoint(dir)
			if err != nil {
				t.Fatal(err)
			}
			l := checkpointed(t, dir, early())
			c.change(l)
			before := modelBits(l)
			err = l.Resume(context.Background(), cp)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			sameBits(t, "after a refused resumption", before, modelBits(l))
		})
	}
}

// TestCheckpointFolders covers what is kept, and a folder with another run's
// checkpoints.
func TestCheckpointFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l := checkpointed(t, dir)
	l.Checkpoints.Every = time.Nanosecond // after every step
	if err := l.Fit(context.Background(), 2, schedule.Flat(1e-3)); err != nil {
		t.Fatal(err)
	}
	paths, err := checkpoint.Folder{Dir: dir}.Paths()
	if want := fmt.Sprintf("checkpoint-%09d.safetensors", 2*(tinyIters+1)); err != nil || len(paths) != 3 || filepath.Base(paths[0]) != want {
		t.Fatalf("kept %v (%v), want the newest 3 from %s on", paths, err, want)
	}
	// The same learner may go on there; another one may not.
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
		t.Error(err)
	}
	if err := checkpointed(t, dir).Fit(context.Background(), 1, schedule.Flat(1e-3)); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a second run in the folder: %v", err)
	}
	if err := l.Checkpoints.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// TestCheckpointCannotBeWritten has a file where the folder should be.
func TestCheckpointCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(file, "checkpoints")
	l := checkpointed(t, filepath.Join(t.TempDir(), "x"))
	move := CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterTrain {
			l.Checkpoints.Dir = blocked
		}
		return nil
	})
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3), With(move)); !errors.Is(err, ErrNotSaved) || !strings.Contains(err.Error(), blocked) {
		t.Errorf("by default: %v", err)
	}

	// With Failed, training goes on, and an interruption says that the state is
	// not saved.
	l = checkpointed(t, filepath.Join(t.TempDir(), "x"))
	failures := 0
	l.Checkpoints.Failed = func(err error) error {
		failures++
		if !errors.Is(err, ErrNotSaved) {
			t.Errorf("Failed got %v", err)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := l.Fit(ctx, 3, schedule.Flat(1e-3), With(move, &interruptAt{event: AfterStep, k: 2*tinyIters + 1, cancel: cancel}))
	if failures != 2 {
		t.Errorf("Failed was called %d times, want 2", failures)
	}
	if !errors.Is(err, ErrInterrupted) || !errors.Is(err, ErrNotSaved) || !strings.Contains(err.Error(), "none before it") {
		t.Errorf("interrupted: %v", err)
	}
}

// TestNotFiniteIsNotSaved breaks a parameter and wants the good checkpoint
// kept.
func TestNotFiniteIsNotSaved(t *testing.T) {
	dir := t.TempDir()
	l := checkpointed(t, dir)
	err := l.Fit(context.Background(), 2, schedule.Flat(1e-3), With(CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterStep && l.Step == 2*tinyIters {
			l.params[2][0].opt.Data[0] = float32(nan)
		}
		return nil
	})))
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), l.params[2][0].Name) {
		t.Errorf("error %v, want one that names %s", err, l.params[2][0].Name)
	}
	cp, err := LoadCheckpoint(dir)
	if err != nil || cp.Step() != tinyIters {
		t.Errorf("the newest checkpoint: %+v, %v; want that of step %d", cp, err, tinyIters)
	}
}

// TestGoOnAfterDivergence makes the loss infinite after a checkpoint of that
// very state, and goes on from the one before it with other learning rates.
func TestGoOnAfterDivergence(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	const bad = tinyIters + 2                                                    // steps done before the loss that is infinite
	breaking := &breaks{Func: &loss.CrossEntropy{}, v: math.Inf(1), at: bad + 2} // one call is the validation's
	l := tinyLearner(t, 1, Loss(breaking))
	l.Checkpoints = &Checkpoints{Dir: dir, Every: 1, Keep: 3}
	plan := func(l *Learner, lr float64) []Phase {
		var ps []Phase
		for range 2 {
			p, err := l.NewPhase("one-cycle", 2, schedule.Flat(lr), nil)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, p)
		}
		return ps
	}
	if err := l.Run(ctx, plan(l, 0.5)); !errors.Is(err, ErrDiverged) {
		t.Fatalf("error %v, want ErrDiverged", err)
	}
	cp, err := LoadCheckpoint(dir)
	if err != nil || l.Step != cp.Step()+1 {
		t.Fatalf("diverged after step %d; the newest checkpoint is of step %d, %v: want the one before", l.Step, cp.Step(), err)
	}

	again := tinyLearner(t, 1, Loss(&breaks{Func: &loss.CrossEntropy{}}))
	if err := cp.SetRates(plan(again, 0.5)[:1]); err == nil || !strings.Contains(err.Error(), "2 phases") {
		t.Errorf("rates for one phase of two: error %v", err)
	}
	other := plan(again, 0.5)
	other[1].Epochs = 7
	if err := cp.SetRates(other); err == nil || !strings.Contains(err.Error(), "phase 1 is one-cycle over 2 epochs") {
		t.Errorf("rates for other epochs: error %v", err)
	}
	if err := cp.SetRates(plan(again, 0.125)); err != nil {
		t.Fatal(err)
	}
	again.Checkpoints = &Checkpoints{Dir: dir}
	if err := again.Resume(ctx, cp); err != nil {
		t.Fatal(err)
	}
	steps := again.Recorder.Steps
	if len(steps) != 4*tinyIters {
		t.Fatalf("%d steps, want %d", len(steps), 4*tinyIters)
	}
	for i, s := range steps {
		p := plan(again, map[bool]float64{true: 0.5, false: 0.125}[i < cp.Step()])[0]
		curves, err := p.curves()
		if err != nil {
			t.Fatal(err)
		}
		lr, mom := make([]float64, len(p.LR)), make([]float64, len(p.LR))
		curves.At(schedule.Position(i/tinyIters%2, 2, i%tinyIters, tinyIters), lr, mom)
		if s.LR[0] != lr[0] {
			t.Errorf("step %d has the learning rate %v, want %v", i, s.LR[0], lr[0])
		}
	}
}

// TestResumeWithDamagedPictures leaves out all pictures of one batch and some of
// another: places in the epoch count batches of the loader, not those trained.
func TestResumeWithDamagedPictures(t *testing.T) {
	damaged := map[int]bool{3: true, 17: true}
	for i := 8; i < 16; i++ {
		damaged[i] = true // the whole second batch
	}
	build := func() *Learner {
		l := tinyLearner(t, 2)
		x, y := tinyTensors(1, 44)
		l.DLs.Train = fixedLoader(t, x, y, data.LoaderConfig{Source: fixedSource{44, damaged}, BatchSize: 8, Train: true,
			DropLast: true, Damaged: data.SkipDamaged}, 0.2)
		return l
	}
	alone := build()
	if err := alone.FitOneCycle(context.Background(), 2, schedule.Flat(1e-2)); err != nil {
		t.Fatal(err)
	}
	if len(alone.Recorder.Steps) != 2*(tinyIters-1) || len(alone.DLs.Train.Damaged()) != 10 {
		t.Fatalf("%d steps, %d damaged", len(alone.Recorder.Steps), len(alone.DLs.Train.Damaged()))
	}
	for k := range 2*(tinyIters-1) - 1 {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		l := build()
		l.Checkpoints = &Checkpoints{Dir: dir}
		if err := l.FitOneCycle(ctx, 2, schedule.Flat(1e-2), With(&interruptAt{event: AfterStep, k: k, cancel: cancel})); !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
		cp, err := LoadCheckpoint(dir)
		if err != nil {
			t.Fatal(err)
		}
		l = build()
		l.Checkpoints = &Checkpoints{Dir: dir}
		if err := l.Resume(context.Background(), cp); err != nil {
			t.Fatal(err)
		}
		sameBits(t, "resumed with damaged pictures", modelBits(alone), modelBits(l))
		if history(alone) != history(l) {
			t.Errorf("interrupted after step %d: the history differs", k)
		}
	}

	// With the strict policy the run fails at the batch, and can go on when the
	// picture is mended.
	dir := t.TempDir()
	strict := func(damaged map[int]bool) *Learner {
		l := tinyLearner(t, 2)
		x, y := tinyTensors(1, 44)
		l.DLs.Train = fixedLoader(t, x, y, data.LoaderConfig{Source: fixedSource{44, damaged}, BatchSize: 8, Train: true, DropLast: true}, 0.2)
		return l
	}
	l := strict(map[int]bool{20: true})
	l.Checkpoints = &Checkpoints{Dir: dir}
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err == nil || !strings.Contains(err.Error(), "item 20 is damaged") {
		t.Fatalf("error %v", err)
	}
	cp, err := LoadCheckpoint(dir)
	if err != nil || cp.Step() != 2 {
		t.Fatalf("checkpoint %+v, %v; want one of step 2", cp, err)
	}
	mended, never := strict(nil), strict(nil)
	if err := mended.Resume(context.Background(), cp); err != nil {
		t.Fatal(err)
	}
	if err := never.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "resumed after mending", modelBits(never), modelBits(mended))
}
