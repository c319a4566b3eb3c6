package train

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// formulaWeights fills a torchvision ResNet's body with the weights that the
// reference values were made with: entry t of the state dict, element i,
// c = (u-2^23)/2^23 with u = splitmix64(t*2^32+i)>>40, scaled by kind.
func formulaWeights(t *testing.T, body nn.Module) {
	t.Helper()
	for ti, e := range nn.State(body) {
		v := make([]float32, tensor.Size(e.Shape...))
		for i := range v {
			z := uint64(ti)<<32 + uint64(i) + 0x9E3779B97F4A7C15
			z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
			z = (z ^ z>>27) * 0x94D049BB133111EB
			u := (z ^ z>>31) >> 40
			c := float32(float64(int64(u)-1<<23) / (1 << 23))
			switch e.Kind {
			case nn.ConvWeight:
				v[i] = c * float32(math.Sqrt(6/float64(e.Shape[0]*e.Shape[2]*e.Shape[3])))
			case nn.RunningVar:
				v[i] = 1 + 0.5*c
			case nn.NormScale:
				v[i] = 1 + 0.25*c
			case nn.NormShift, nn.RunningMean:
				v[i] = 0.1 * c
			}
		}
		if err := e.Set(v); err != nil {
			t.Fatal(err)
		}
	}
}

// traceModel is the reference runs' network: the body with its weights, and
// fastai's head without dropout, whose layers are therefore 2, 3, 5 and 6.
func traceModel(t *testing.T, arch *models.Architecture, npz map[string]golden.Array) *models.Classifier {
	t.Helper()
	const classes = 5
	hidden := npz["head_init.3.weight"].Shape[0]
	m := &models.Classifier{Arch: arch, Classes: classes, Body: arch.Body(rng.New(0)), Head: nn.NewSequential(
		nn.ConcatPool{}, nn.Identity{}, nn.NewBatchNorm(2*arch.Features), nn.NewLinear(2*arch.Features, hidden, false), nn.ReLU(),
		nn.NewBatchNorm(hidden), nn.NewLinear(hidden, classes, false))}
	if arch == models.ResNet34 {
		formulaWeights(t, m.Body)
	} else {
		f, err := weights.Load(golden.Path(t, "weights", "squeezenet1_1-imagenet.pth"))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.SetBody(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range nn.State(m.Head) {
		if err := e.Set(npz["head_init."+e.Name].Float32()); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// batches joins the reference's [B,N,C,H,W] batches to one NHWC tensor.
func batches(a, y golden.Array) (*tensor.Tensor, []int) {
	s := a.Shape
	a.Shape = []int{s[0] * s[1], s[2], s[3], s[4]}
	return tensor.FromSlice(a.NHWC(), s[0]*s[1], s[3], s[4], s[2]), y.Ints()
}

func traceLearner(t *testing.T, arch *models.Architecture) (*Learner, map[string]golden.Array) {
	t.Helper()
	npz := golden.NPZ(t, "10_trace_"+arch.Name+".npz")
	tx, ty := batches(npz["train_x"], npz["train_y"])
	vx, vy := batches(npz["valid_x"], npz["valid_y"])
	dls := &data.DataLoaders{Vocab: []string{"0", "1", "2", "3", "4"},
		Train: fixedLoader(t, tx, ty, data.LoaderConfig{BatchSize: 8, Train: true}, 0),
		Valid: fixedLoader(t, vx, vy, data.LoaderConfig{BatchSize: 8}, 0)}
	l, err := New(dls, traceModel(t, arch, npz), Metrics(metrics.ErrorRate()))
	if err != nil {
		t.Fatal(err)
	}
	return l, npz
}

// trace is a stored training run.
type trace struct {
	Steps []struct {
		Loss      float64
		LR, Mom   []float64
		GradNorm  float64   `json:"grad_norm"`
		ParamNorm []float64 `json:"param_norm_per_group"` // after the step
		LastSum   float64   `json:"head_last_w_sum"`
	}
	Epochs [][3]float64 `json:"epochs_trainsmooth_validloss_err"`
}

// tolerances of a comparison with a trace, relative unless said.
type tolerances struct {
	loss, grad, sum []float64 // per step: loss, gradient norm (0: not compared), sum of the last layer's weights
	norm            float64   // of each group's parameter norm
	rows            []float64 // per epoch: smoothed training loss and validation loss
	logits          float64   // relative L2 of the final validation logits
	errorRate       float64   // absolute
}

func each(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// watch compares every step with the trace.
type watch struct {
	t    *testing.T
	want trace
	tol  tolerances
	step int
}

func (w *watch) near(what string, got, want, tol float64) {
	w.t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		w.t.Errorf("step %d: %s is %.9g, fastai's %.9g: off by %.2g, allowed %.2g", w.step, what, got, want, math.Abs(got/want-1), tol)
	}
}

func norm(values ...[]float32) float64 {
	s := 0.0
	for _, v := range values {
		for _, f := range v {
			s += float64(f) * float64(f)
		}
	}
	return math.Sqrt(s)
}

func (w *watch) On(e Event, l *Learner) error {
	if e != AfterBackward && e != AfterStep {
		return nil
	}
	s := w.want.Steps[w.step]
	if e == AfterBackward {
		w.near("loss", l.LossNow, s.Loss, w.tol.loss[w.step])
		for g, h := range l.Hyper {
			// The reference computes the place in the schedule in float32.
			w.near("learning rate", h.LR, s.LR[g], 2e-5)
			w.near("momentum", h.Mom, s.Mom[g], 1e-6)
		}
		var grads [][]float32
		for _, g := range l.trainable() {
			for _, p := range g {
				grads = append(grads, p.Grad)
			}
		}
		if tol := w.tol.grad[w.step]; tol > 0 {
			w.near("gradient norm", norm(grads...), s.GradNorm, tol)
		}
		return nil
	}
	for g, ps := range l.params {
		var all [][]float32
		for _, p := range ps {
			all = append(all, p.opt.Data)
		}
		w.near("parameter norm", norm(all...), s.ParamNorm[g], w.tol.norm)
	}
	sum := 0.0
	for _, v := range l.params[2][len(l.params[2])-1].opt.Data {
		sum += float64(v)
	}
	w.near("sum of the last layer's weights", sum, s.LastSum, w.tol.sum[w.step])
	w.step++
	return nil
}

// TestTraceAgainstFastai trains the reference's whole fine_tune(2) (3 frozen and
// 6 unfrozen steps) and compares losses, rates, momenta, gradient and parameter
// norms at each step, the rows of the history, and the final logits, with
// fastai's run in float64.
//
// The measure is fastai's own float32 run. At the low rate its losses differ
// from float64's by up to 1.2e-5 (SqueezeNet) and 1.2e-4 (ResNet-34), its
// gradient norms by up to 3.2e-4 and 1.1e-3: a ReLU or a maximum that rounding
// decides the other way. Which step is hit is chance, so about four times
// fastai's worst step is allowed at every step (ours is at most 1.8 times it, on
// AVX-512, with Winograd and without).
//
// At fine_tune's own rate the network learns 24 pictures by heart, and float32
// noise grows from step to step to 3 % (SqueezeNet) and 20 % (ResNet-34) of the
// loss in fastai's run, 68 % of the gradient: the frozen steps are compared
// closely, later ones as loosely as that, and the last gradients not at all.
func TestTraceAgainstFastai(t *testing.T) {
	for _, c := range []struct {
		name     string
		arch     *models.Architecture
		lowRate  bool
		winograd bool
	}{
		{"squeezenet1_1 low rate direct", models.SqueezeNet1_1, true, false},
		{"squeezenet1_1 low rate winograd", models.SqueezeNet1_1, true, true},
		{"squeezenet1_1 direct", models.SqueezeNet1_1, false, false},
		{"squeezenet1_1 winograd", models.SqueezeNet1_1, false, true},
		{"resnet34 low rate direct", models.ResNet34, true, false},
		{"resnet34 low rate winograd", models.ResNet34, true, true},
		{"resnet34 winograd", models.ResNet34, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.arch == models.ResNet34 && c.lowRate {
				slow.Test(t)
			}
			if testing.Short() && c.arch == models.ResNet34 {
				t.Skip("takes seconds; not with -short")
			}
			defer winograd.Allow(winograd.Allow(c.winograd))
			var tol tolerances
			switch {
			case c.lowRate && c.arch == models.SqueezeNet1_1:
				tol = tolerances{loss: each(9, 5e-5), grad: each(9, 1.3e-3), sum: each(9, 5e-6), norm: 2e-6, rows: each(3, 1e-4), logits: 1e-4}
			case c.lowRate:
				tol = tolerances{loss: each(9, 5e-4), grad: each(9, 5e-3), sum: each(9, 5e-6), norm: 2e-6, rows: each(3, 5e-4), logits: 1e-3}
			default:
				tol = tolerances{
					loss: []float64{5e-5, 5e-5, 5e-5, 1e-4, 2e-3, 2e-2, 5e-2, 5e-2, 0.4},
					grad: []float64{5e-3, 5e-3, 5e-3, 5e-3, 1e-2, 5e-2, 0, 0, 0},
					sum:  []float64{5e-6, 5e-6, 5e-6, 1e-4, 1e-4, 1e-3, 1e-3, 5e-3, 5e-3},
					norm: 1e-5, rows: []float64{1e-4, 1e-2, 0.1}, logits: 0.25, errorRate: 1.0 / 16,
				}
			}
			againstTrace(t, c.arch, c.lowRate, tol)
		})
	}
}

func againstTrace(t *testing.T, arch *models.Architecture, lowRate bool, tol tolerances) {
	tag, base := "f64", 2e-3
	if lowRate {
		tag, base = "lowlr_f64", 1e-4
	}
	var file map[string]json.RawMessage
	golden.JSON(t, "10_trace_"+arch.Name+".json", &file)
	var want trace
	if err := json.Unmarshal(file[tag], &want); err != nil {
		t.Fatal(err)
	}
	l, npz := traceLearner(t, arch)
	w := &watch{t: t, want: want, tol: tol}
	if err := l.FineTune(context.Background(), 2, BaseLR(base), With(w)); err != nil {
		t.Fatal(err)
	}
	if w.step != len(want.Steps) {
		t.Errorf("%d steps were taken, fastai took %d", w.step, len(want.Steps))
	}
	if got := len(l.Recorder.Rows); got != len(want.Epochs) {
		t.Fatalf("%d epochs, fastai had %d", got, len(want.Epochs))
	}
	for i, row := range l.Recorder.Rows {
		w.near("smoothed training loss of a row", row.TrainLoss, want.Epochs[i][0], tol.rows[i])
		w.near("validation loss of a row", row.ValidLoss, want.Epochs[i][1], tol.rows[i])
		if d := math.Abs(row.Metrics[0] - want.Epochs[i][2]); d > tol.errorRate+1e-9 {
			t.Errorf("row %d: error rate %v, fastai's %v", i, row.Metrics[0], want.Epochs[i][2])
		}
	}
	var logits []float32
	err := l.predictEach(context.Background(), l.DLs.Valid, 0, func(_ *data.Batch, out *tensor.Tensor) error {
		logits = append(logits, out.Data...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ref := npz["final_valid_logits_"+tag].Data
	if len(logits) != len(ref) {
		t.Fatalf("%d logits, fastai's %d", len(logits), len(ref))
	}
	var d, n float64
	for i, v := range ref {
		d += (float64(logits[i]) - v) * (float64(logits[i]) - v)
		n += v * v
	}
	if e := math.Sqrt(d / n); !(e <= tol.logits) {
		t.Errorf("final validation logits: relative error %.2g, allowed %.2g", e, tol.logits)
	}
}
