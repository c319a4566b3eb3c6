package models

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// reference is what torchvision or timm computes of a network whose parameters
// come from a formula: testdata/reference.py makes the files.
type reference struct {
	Library, Source      string
	Gain                 float64
	Size, Batch, Classes int
	Parameters           int
	Scores               []float64
	TrainingScores       []float64             `json:"training_scores"`
	TrainingFloat32      float64               `json:"training_float32"` // how far PyTorch's own float32 is off TrainingScores; not in all files
	Running              map[string][2]float64 // projection and norm
	Loss                 float64               `json:"smooth_loss"`
	Gradients            map[string][2]float64 `json:"smooth_gradients"`

	theirs map[string]string // other names by which parameters get their values
	off    differences       // the largest that were found
}

// TestReferences compares whole networks with torchvision's and timm's: scores in
// evaluation and training mode, compiled ones too, the loss, the gradient of every
// parameter, and the step of every running statistic; of the largest networks the scores
// alone, unless with -update.
func TestReferences(t *testing.T) {
	files, err := filepath.Glob("testdata/reference/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no references: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want reference
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			arch, spelling, _ := strings.Cut(name, ".")
			if large(arch) {
				slow.Test(t)
			}
			a, err := ByName(arch)
			if err != nil {
				t.Fatal(err)
			}
			l, err := a.layout()
			if err != nil {
				t.Fatal(err)
			}
			want.theirs = map[string]string{}
			if spelling != "" {
				for theirs, ours := range l.namings[1].ours {
					want.theirs[ours] = theirs
				}
			}
			want.compare(t, a)
			if *update {
				updateChecks(t, name, func(c *checked) { c.Library, c.differences = want.Library, want.off })
			}
		})
	}
}

func (want *reference) compare(t *testing.T, a *Architecture) {
	m := a.Full(want.Classes, nil)
	parameters := 0
	for _, e := range nn.State(m) {
		fillByFormula(e, cmp.Or(want.theirs[e.Name], e.Name), cmp.Or(want.Gain, 1.6))
		if e.Param != nil {
			parameters += e.Param.Value.Len()
		}
	}
	withoutDropping(m)
	if parameters != want.Parameters {
		t.Errorf("%d parameters, want %d", parameters, want.Parameters)
	}
	side := want.Size
	x := tensor.New(want.Batch, side, side, 3)
	for i, u := range golden.Uniform("picture", want.Batch*3*side*side) {
		// The formula counts in the order [N,C,H,W].
		n, c, p := i/(3*side*side), i/(side*side)%3, i%(side*side)
		x.Data[(n*side*side+p)*3+c] = float32(1.5 * u)
	}
	// The references are in float64. Measured: at most 1.8e-6 in evaluation; in training,
	// where the few values of the last maps are normalized by their own statistics,
	// 6.2e-5 in the deepest RegNets, where PyTorch's own float32 is off by 5.7e-5.
	// Bottlenecks of 3×3 convolutions enlarge rounding more, and Winograd's form, whose
	// rounding is several times that of the direct sum, most: ResNet-50d is off by
	// 4.3e-4 with it and by less than 1e-4 without, PyTorch's own float32 by 8.0e-5;
	// RegNets of 1.6 and 3.2 GF by 1.6e-4 at most, PyTorch's by 4.2e-5 to 5.9e-5.
	const evaluation = 5e-6
	training := max(1e-4, 6*want.TrainingFloat32)
	scores := func(kind string, got []float32, want []float64, tol float64) float64 {
		t.Helper()
		d := relL2(got, want)
		if !(d <= tol) {
			t.Errorf("%s: off by %.1e of their norm: %v, want %v", kind, d, got, want)
		}
		return d
	}
	tape := func(training bool) *autograd.Tape {
		tp := autograd.NewTape(autograd.NewArena())
		tp.Record, tp.Training, tp.Rand = training, training, rng.New(1)
		return tp
	}
	tp := tape(false)
	want.off.Scores = scores("scores", forward(t, m, tp, tp.Input(x, false)).Value.Data, want.Scores, evaluation)
	tp.Reset()
	compiled, err := nn.Compile(m).Run(x)
	if err != nil {
		t.Fatal(err)
	}
	want.off.Scores = max(want.off.Scores, scores("compiled scores", compiled.Data, want.Scores, evaluation))

	before := map[string][]float32{}
	for _, e := range nn.State(m) {
		if e.Kind == nn.RunningMean || e.Kind == nn.RunningVar {
			before[e.Name] = append([]float32(nil), e.Buffer...)
		}
	}
	tp = tape(true)
	want.off.Training = scores("scores in training", forward(t, m, tp, tp.Input(x, false)).Value.Data, want.TrainingScores, training)
	tp.Reset()
	if want.Gradients == nil || parameters > 40e6 && !*update { // their blocks are those of smaller ones
		return
	}
	for _, e := range nn.State(m) {
		if b := before[e.Name]; b != nil {
			moved := make([]float32, len(b))
			for i, v := range e.Buffer {
				moved[i] = v - b[i]
			}
			want.project(t, "step of "+e.Name, e.Name, moved, want.Running)
		}
	}
	want.compareGradients(t, m, tape(true), x)
}

// compareGradients takes gradients with smooth activations in place of those with
// corners, since a value close to a corner changes the gradient of the network by more
// than any bound that is worth checking.
func (want *reference) compareGradients(t *testing.T, m nn.Module, tp *autograd.Tape, x *tensor.Tensor) {
	g := nn.BuildGraph(m)
	for i, n := range g.Nodes {
		switch n.Op {
		case op.ReLU, op.ReLU6, op.Hardswish:
			g.Nodes[i].Op = op.SiLU
		case op.Hardsigmoid:
			g.Nodes[i].Op = op.Sigmoid
		}
	}
	y, err := graph.NewProgram(g).Forward(tp, tp.Input(x, false))
	if err != nil {
		t.Fatal(err)
	}
	classes := make([]int, want.Batch)
	for i := range classes {
		classes[i] = i * 3 % want.Classes
	}
	dy := tensor.New(want.Batch, want.Classes)
	l, err := (&loss.CrossEntropy{}).ForwardBackward(y.Value, target.Classes(classes), nil, dy)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(l-want.Loss) > 1e-5*(1+want.Loss) {
		t.Errorf("loss %v, want %v", l, want.Loss)
	}
	nn.State(m).ZeroGrad()
	tp.Backward(y, dy)
	defer tp.Reset()
	for _, e := range nn.Parameters(m) {
		want.project(t, "gradient of "+e.Name, e.Name, e.ToTorch(e.Param.Grad.Data), want.Gradients)
	}
}

// project compares the norm of values and their projection on the formula's.
func (want *reference) project(t *testing.T, what, name string, got []float32, all map[string][2]float64) {
	t.Helper()
	w, ok := all[name]
	if !ok {
		t.Errorf("%s: the reference has none", what)
		return
	}
	sum, squares := 0.0, 0.0
	for i, u := range golden.Uniform("project "+name, len(got)) {
		sum += u * float64(got[i])
		squares += float64(got[i]) * float64(got[i])
	}
	const tol = 3e-4
	scale := max(w[1], 1e-2) // a shift before a batch norm has a gradient of 0 but for rounding
	d := math.Abs(math.Sqrt(squares) - w[1])
	want.off.Gradients = max(want.off.Gradients, d/scale, math.Abs(sum-w[0])/scale)
	if !(d <= tol*scale) {
		t.Errorf("%s: norm %.7g, want %.7g", what, math.Sqrt(squares), w[1])
	}
	if d := math.Abs(sum - w[0]); !(d <= tol*scale) {
		t.Errorf("%s: projection %.7g, want %.7g", what, sum, w[0])
	}
}

// fillByFormula is reference.py's function fill.
func fillByFormula(e nn.Entry, name string, gain float64) {
	if e.Count != nil {
		return
	}
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	shift, scale := 0.0, 0.2
	switch {
	case e.Kind == nn.RunningVar:
		shift, scale = 1, 0.5
	case len(e.Shape) >= 2 && e.Kind != nn.OtherWeight:
		scale = math.Sqrt(3 * gain / float64(n/e.Shape[0]))
	case strings.HasSuffix(e.Name, "weight"):
		shift, scale = 1, 0.3
	}
	v, at := make([]float32, n), golden.UniformAt(name)
	parallel.ChunksWith(n, 1<<14, struct{}{}, func(_ *struct{}, from, to int) {
		for i := from; i < to; i++ {
			v[i] = float32(shift + scale*at(i))
		}
	})
	e.Set(v)
}

// withoutDropping takes dropout and stochastic depth out.
func withoutDropping(m nn.Module) {
	nn.Walk(m, func(_ string, m nn.Module) {
		switch m := m.(type) {
		case *shortcut:
			m.drop = 0
		case *nn.Sequential:
			for i, c := range m.Children() {
				if _, ok := c.Module.(nn.Dropout); ok {
					m.Children()[i].Module = nn.Dropout{}
				}
			}
		}
	})
}
