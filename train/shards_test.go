package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
)

// wideLearner has 140 training pictures in batches of 32 (4 of them, the last 12 pictures are
// dropped) and 50 for validation in batches of 8.
func wideLearner(t testing.TB, model *models.Classifier, noise float32, change func(c *data.LoaderConfig), opts ...Option) *Learner {
	t.Helper()
	tx, ty := tinyTensors(1, 140)
	vx, vy := tinyTensors(2, 50)
	c := data.LoaderConfig{BatchSize: 32, Train: true, Shuffle: true, DropLast: true, Seed: 5, Workers: 2}
	if change != nil {
		change(&c)
	}
	dls := &data.DataLoaders{Vocab: []string{"a", "b", "c"}, Train: fixedLoader(t, tx, ty, c, noise),
		Valid: fixedLoader(t, vx, vy, data.LoaderConfig{BatchSize: 8, Workers: 2}, 0)}
	l, err := New(dls, model, append([]Option{Seed(7)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// plainModel is a classifier without batch norm and dropout, for which shards make no
// difference but rounding.
func plainModel(seed uint64) *models.Classifier {
	r := rng.New(seed, 1)
	body := nn.NewSequential(nn.NewConv2d(3, 8, 3, 2, 1, true), nn.ReLU(), nn.NewConv2d(8, 16, 3, 2, 1, true), nn.ReLU())
	head := nn.NewSequential(nn.ConcatPool{}, nn.Identity{}, nn.NewLinear(32, tinyClasses, true))
	for _, m := range []nn.Module{body, head} {
		for _, e := range nn.Parameters(m) {
			if e.Decays() {
				nn.KaimingNormal(e, false, r)
			}
		}
	}
	return &models.Classifier{Arch: &models.Architecture{Name: "plain", Features: 16, Cuts: []int{2}}, Classes: tinyClasses, Body: body, Head: head}
}

// TestShardsAreTheBatch trains a network without batch norm and dropout: gradients and
// losses of shards are those of the whole batch to rounding, for a loss that is a mean, one that is
// a sum, and with damaged pictures that make shards unequal or empty.
func TestShardsAreTheBatch(t *testing.T) {
	damaged := map[int]bool{}
	for i := range 23 { // all of the first two shards of eight, and some of others
		damaged[i] = i < 9 || i%3 == 0
	}
	inOrder := func(c *data.LoaderConfig) {
		c.Shuffle, c.Damaged, c.Source = false, data.SkipDamaged, fixedSource{140, damaged}
	}
	for _, c := range []struct {
		name   string
		change func(c *data.LoaderConfig)
		loss   loss.Func
		lr     float64
	}{
		{"mean", nil, &loss.CrossEntropy{}, 0.1},
		{"sum", nil, &loss.CrossEntropy{Reduction: loss.Sum}, 0.003},
		{"damaged pictures", inOrder, &loss.CrossEntropy{}, 0.1},
		{"sum, damaged pictures", inOrder, &loss.CrossEntropy{Reduction: loss.Sum}, 0.003},
	} {
		t.Run(c.name, func(t *testing.T) {
			train := func(shards int) *Learner {
				l := wideLearner(t, plainModel(3), 0, c.change, Shards(shards), Loss(c.loss), Optimizer(&optim.SGD{}))
				if err := l.Fit(context.Background(), 2, schedule.Flat(c.lr)); err != nil {
					t.Fatal(err)
				}
				return l
			}
			whole := train(1)
			for _, shards := range []int{2, 4, 8} {
				l := train(shards)
				if len(l.Recorder.Steps) != 8 {
					t.Fatalf("%d steps, want 8", len(l.Recorder.Steps))
				}
				for i, s := range l.Recorder.Steps {
					if w := whole.Recorder.Steps[i].Loss; math.Abs(s.Loss-w) > 1e-5*math.Abs(w) {
						t.Errorf("%d shards: the loss of step %d is %v, of the whole batch %v", shards, i, s.Loss, w)
					}
				}
				for name, v := range modelBits(l) {
					for i, w := range modelBits(whole)[name] {
						if math.Abs(float64(v[i]-w)) > 2e-6 {
							t.Fatalf("%d shards: %s[%d] is %v, with the whole batch %v", shards, name, i, v[i], w)
						}
					}
				}
			}
		})
	}
}

// TestShardStatistics checks what becomes of running statistics and their counters: the mean of what
// each shard makes of those at the beginning of the step.
func TestShardStatistics(t *testing.T) {
	const shards = 4
	model := func() *models.Classifier { return tinyModel(3) }
	l := wideLearner(t, model(), 0, nil, Shards(shards))
	b, hyper := wideBatch(t, l)
	if err := l.TrainBatch(b, hyper); err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{}
	for s := range shards {
		one := wideLearner(t, model(), 0, nil)
		part, err := (&given{b, shards}).take(context.Background(), 0, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := one.TrainBatch(part, hyper); err != nil {
			t.Fatal(err)
		}
		for _, e := range one.state {
			if e.Kind != nn.RunningMean && e.Kind != nn.RunningVar || strings.HasPrefix(e.Name, "head") { // dropout differs there
				continue
			}
			for i, v := range e.Get() {
				if s == 0 {
					want[e.Name] = append(want[e.Name], 0)
				}
				want[e.Name][i] += float64(v) / shards
			}
		}
	}
	if len(want) < 4 {
		t.Fatalf("statistics of only %d arrays are compared", len(want))
	}
	for _, e := range l.state {
		if e.Count != nil && *e.Count != 1 {
			t.Errorf("%s is %d after one step", e.Name, *e.Count)
		}
		for i, w := range want[e.Name] {
			if v := float64(e.Get()[i]); math.Abs(v-w) > 1e-6 {
				t.Errorf("%s[%d] is %v, want the mean of the shards' %v", e.Name, i, v, w)
			}
		}
	}
}

// wideBatch returns the first batch of the learner's training data.
func wideBatch(t *testing.T, l *Learner) (*data.Batch, []optim.Hyper) {
	t.Helper()
	b, err := l.DLs.Train.OneBatch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	hyper := make([]optim.Hyper, l.Groups())
	for i := range hyper {
		hyper[i] = optim.Hyper{LR: 1e-3, Mom: 0.9, WD: 0.01}
	}
	return b, hyper
}

// TestShardsTakeLessMemory compares the memory of activations of a large batch, whole and in shards.
func TestShardsTakeLessMemory(t *testing.T) {
	bytes := func(shards int) int64 {
		l, err := New(&data.DataLoaders{Vocab: []string{"a", "b", "c"}}, tinyModel(1), Shards(shards))
		if err != nil {
			t.Fatal(err)
		}
		b, hyper := steadyBatch(l, 64, 96)
		for range 2 {
			if err := l.TrainBatch(b, hyper); err != nil {
				t.Fatal(err)
			}
		}
		return l.ArenaBytes()
	}
	whole, cut := bytes(1), bytes(16)
	if cut > whole/12 {
		t.Errorf("activations take %d bytes in 16 shards of 4, %d in one batch of 64: want a twelfth at most", cut, whole)
	}
}

// TestShardErrors lists what is refused, by name.
func TestShardErrors(t *testing.T) {
	build := func(shards, ranks int) error {
		l, err := New(&data.DataLoaders{Vocab: []string{"a", "b", "c"}}, tinyModel(1), Shards(shards), Distributed(distributed.Goroutines(ranks)[0]))
		if err != nil {
			return err
		}
		b, hyper := steadyBatch(l, 32, 16)
		return l.TrainBatch(b, hyper)
	}
	fit := func(batch, shards int) error {
		return wideLearner(t, tinyModel(1), 0, func(c *data.LoaderConfig) { c.BatchSize = batch }, Shards(shards)).Fit(context.Background(), 1, schedule.Flat(1e-3))
	}
	find := func(batch, shards int) error {
		_, err := wideLearner(t, tinyModel(1), 0, func(c *data.LoaderConfig) { c.BatchSize = batch }, Shards(shards)).LRFind(context.Background(), schedule.Finder{})
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{build(3, 1), "3 shards: must be a power of two"},
		{build(0, 1), "0 shards"},
		{build(4, 8), "8 ranks for batches of 4 shards"},
		{build(4, 3), "3 ranks for batches of 4 shards: the ranks must divide"},
		{build(1, 2), "2 ranks for batches of 1 shards"},
		{fit(30, 4), "batches of 30 cannot be cut into 4 shards"},
		{fit(8, 4), "2 pictures a shard"},
		{find(8, 4), "2 pictures a shard"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}

// ranked runs f as each of p ranks and returns their errors. A rank that panics ends the group, as a
// process that dies does.
func ranked(p int, f func(g distributed.Group) error) []error {
	errs := make([]error, p)
	var wg sync.WaitGroup
	for r, g := range distributed.Goroutines(p) {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[r] = fmt.Errorf("panic: %v", v)
					g.Abort(errs[r])
				}
			}()
			errs[r] = f(g)
		})
	}
	wg.Wait()
	return errs
}

// shardedRecipe is a fit with all that a checkpoint must remember, in 8 shards.
func shardedRecipe(t *testing.T, g distributed.Group, dir string) *Learner {
	l := wideLearner(t, tinyModel(3), 0.2, nil, Shards(8), Distributed(g), Metrics(metrics.ErrorRate(), metrics.Brier()),
		Callbacks(&MixUp{}, &SaveBest{Restore: true}, &EarlyStopping{Patience: 1, Monitor: "error_rate"}))
	if dir != "" {
		l.Checkpoints = &Checkpoints{Dir: dir}
	}
	return l
}

// TestRanksEndInTheSameBits trains on 1, 2, 4 and 8 ranks, with 1 and 2 threads.
func TestRanksEndInTheSameBits(t *testing.T) {
	defer parallel.SetThreads(parallel.SetThreads(1))
	var want map[string][]float32
	var rows string
	for _, v := range []struct{ ranks, threads int }{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {4, 1}, {8, 2}} {
		parallel.SetThreads(v.threads)
		what := fmt.Sprintf("%d ranks, %d threads", v.ranks, v.threads)
		learners := make([]*Learner, v.ranks)
		for r, err := range ranked(v.ranks, func(g distributed.Group) error {
			l := shardedRecipe(t, g, "")
			learners[g.Rank()] = l
			return l.FineTune(context.Background(), 2, BaseLR(0.02))
		}) {
			if err != nil {
				t.Fatalf("%s: rank %d: %v", what, r, err)
			}
		}
		if want == nil {
			want, rows = modelBits(learners[0]), history(learners[0])
		}
		for _, l := range learners {
			sameBits(t, what, want, modelBits(l))
			if h := history(l); h != rows {
				t.Fatalf("%s: the history differs:\n%s\n%s", what, rows, h)
			}
		}
	}
}

// TestRanksStopTogether cancels one rank, fails on one rank, and kills one rank, at each step and in validation,
// and resumes on another number of ranks until the run is done.
func TestRanksStopTogether(t *testing.T) {
	alone := shardedRecipe(t, distributed.Alone{}, "")
	if err := alone.FineTune(context.Background(), 2, BaseLR(0.02)); err != nil {
		t.Fatal(err)
	}
	want, rows := modelBits(alone), history(alone)
	numbers := []int{2, 4, 1, 8}
	for _, c := range []struct {
		name  string
		event Event
		act   func(cancel context.CancelFunc) error
		known bool // all ranks know, and rank 0 saves
		quick bool // not only with the slow tests
	}{
		{"canceled in a step", AfterLoss, func(cancel context.CancelFunc) error { cancel(); return nil }, true, true},
		{"canceled after a step", AfterStep, func(cancel context.CancelFunc) error { cancel(); return nil }, true, false},
		{"canceled before validation", BeforeValidate, func(cancel context.CancelFunc) error { cancel(); return nil }, true, true},
		{"failed in a step", BeforeBatch, func(context.CancelFunc) error { return errors.New("this shard is bad") }, true, false},
		{"failed after a step", AfterStep, func(context.CancelFunc) error { return errors.New("only here") }, false, true},
		{"killed in a step", AfterLoss, func(context.CancelFunc) error { panic("killed") }, false, false},
		{"killed before validation", BeforeValidate, func(context.CancelFunc) error { panic("killed") }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.quick && !slow.On() {
				t.Skip("with the slow tests")
			}
			dir := t.TempDir()
			for try := 0; ; try++ {
				if try == 40 {
					t.Fatal("40 tries, and still not done")
				}
				p := numbers[try%len(numbers)]
				learners := make([]*Learner, p)
				errs := ranked(p, func(g distributed.Group) error {
					l := shardedRecipe(t, g, dir)
					l.Checkpoints.Every = 1 // after every step
					learners[g.Rank()] = l
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					seen := 0
					l.Callbacks = append(l.Callbacks, CallbackFunc(func(e Event, l *Learner) error {
						if e == c.event && g.Rank() == p-1 {
							if seen++; seen == 1+try%3 {
								return c.act(cancel)
							}
						}
						return nil
					}))
					from, err := LoadCheckpoint(dir)
					if e := g.Barrier(); e != nil { // nobody saves before all have read
						return e
					}
					if errors.Is(err, ErrNoCheckpoint) {
						return l.FineTune(ctx, 2, BaseLR(0.02))
					}
					if err != nil {
						return err
					}
					return l.Resume(ctx, from)
				})
				if errs[0] == nil {
					for r, l := range learners {
						if errs[r] != nil {
							t.Fatalf("rank 0 is done, rank %d says %v", r, errs[r])
						}
						sameBits(t, "resumed on other numbers of ranks", want, modelBits(l))
						if h := history(l); h != rows {
							t.Errorf("the history differs:\n%s\n%s", rows, h)
						}
					}
					if try == 0 {
						t.Error("nothing was interrupted")
					}
					return
				}
				for r, err := range errs {
					switch {
					case err == nil:
						t.Fatalf("%d ranks: rank %d ended well, rank 0 says %v", p, r, errs[0])
					case p == 1:
					case distributed.IsEverywhere(err) != c.known:
						t.Fatalf("%d ranks: rank %d: %v: marked as everybody's: %v", p, r, err, !c.known)
					case c.event != BeforeBatch && c.known && !errors.Is(err, ErrInterrupted):
						t.Fatalf("%d ranks: rank %d: %v, want an interruption", p, r, err)
					case !c.known && r < p-1 && !strings.Contains(err.Error(), fmt.Sprintf("rank %d ended the run", p-1)):
						t.Fatalf("%d ranks: rank %d: %v, want the reason of rank %d", p, r, err, p-1)
					}
				}
			}
		})
	}
}
