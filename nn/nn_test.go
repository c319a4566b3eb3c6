package nn

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func randomize(m Module, r *rng.Stream) {
	for _, e := range State(m) {
		switch {
		case e.Kind == RunningVar:
			for i := range e.Buffer {
				e.Buffer[i] = float32(0.5 + r.Float64())
			}
		case e.Buffer != nil:
			for i := range e.Buffer {
				e.Buffer[i] = float32(r.Normal())
			}
		case e.Param != nil:
			Normal(e, 0.3, r)
		}
	}
}

func randomTensor(r *rng.Stream, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(r.Normal())
	}
	return t
}

// joined has what Compile must keep apart: an addition, a value read three
// times, a concatenation in place and one that is not, and batch norms with no
// convolution to fold into.
type joined struct {
	first, a, b *Conv2d
	norm, late  *BatchNorm
	head        *Linear
}

func newJoined() *joined {
	return &joined{first: NewConv2d(3, 6, 3, 1, 1, true), a: NewConv2d(6, 6, 3, 1, 1, false), b: NewConv2d(6, 5, 1, 1, 0, true),
		norm: NewBatchNorm(6), late: NewBatchNorm(11), head: NewLinear(22, 4, true)}
}

func (j *joined) Build(g *graph.Graph, x graph.Value) graph.Value {
	s := j.first.Build(g, x)
	a := g.Add(op.ReLU, g.Add(op.Add{}, s, j.norm.Build(g, j.a.Build(g, s))))
	b := g.Add(op.ReLU, j.b.Build(g, s))
	d := j.late.Build(g, g.Add(op.Concat{}, a, b))
	return j.head.Build(g, ConcatPool{}.Build(g, d))
}

func (j *joined) Children() []Child {
	return []Child{{"first", j.first}, {"a", j.a}, {"norm", j.norm}, {"b", j.b}, {"late", j.late}, {"head", j.head}}
}

func TestCompileEqualsTheTape(t *testing.T) {
	r := rng.New(3)
	models := map[string]Module{
		"joined":           newJoined(),
		"conv norm relu":   NewSequential(NewConv2d(3, 8, 3, 2, 1, false), NewBatchNorm(8), ReLU(), GlobalAvgPool{}),
		"conv relu norm":   NewSequential(NewConv2d(3, 8, 3, 1, 0, true), ReLU(), NewBatchNorm(8), ConcatPool{}),
		"norm first":       NewSequential(NewBatchNorm(3), ReLU(), MaxPool2d{Kernel: 3, Stride: 2, Ceil: true}, NewConv2d(3, 4, 1, 1, 0, true), GlobalAvgPool{}),
		"two norms":        NewSequential(NewConv2d(3, 4, 3, 1, 1, false), NewBatchNorm(4), NewBatchNorm(4), ReLU(), GlobalAvgPool{}, Dropout{0.5}, NewLinear(4, 2, false)),
		"identity network": NewSequential(Identity{}),
	}
	for name, m := range models {
		t.Run(name, func(t *testing.T) {
			randomize(m, r)
			x := randomTensor(r, 2, 11, 9, 3)
			tp := autograd.NewTape(autograd.NewArena())
			y, err := Forward(tp, m, tp.Input(x, false))
			if err != nil {
				t.Fatal(err)
			}
			want := y.Value.Clone()
			got, err := Compile(m).Run(x)
			if err != nil {
				t.Fatal(err)
			}
			if !tensor.SameShape(got.Shape, want.Shape) {
				t.Fatalf("shape %v, want %v", got.Shape, want.Shape)
			}
			for i, v := range got.Data {
				if math.Abs(float64(v-want.Data[i])) > 2e-4*(1+math.Abs(float64(want.Data[i]))) {
					t.Fatalf("value %d is %v, want %v", i, v, want.Data[i])
				}
			}
		})
	}
}

// TestInferenceIsConcurrent runs one compiled model from many goroutines, at
// several sizes, and compares with what one alone gives, bit for bit.
func TestInferenceIsConcurrent(t *testing.T) {
	r := rng.New(4)
	m := newJoined()
	randomize(m, r)
	inf := Compile(m)
	type job struct{ x, want *tensor.Tensor }
	var jobs []job
	for i := range 6 {
		x := randomTensor(r, 1+i%3, 8+i, 7, 3)
		y, err := inf.Run(x)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{x, y})
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for k := range 20 {
				j := jobs[(g+k)%len(jobs)]
				y, err := inf.Run(j.x)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range y.Data {
					if y.Data[i] != j.want.Data[i] {
						t.Errorf("value %d is %v, alone it was %v", i, y.Data[i], j.want.Data[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestCompiledModelKeepsItsWeights checks that training on does not change a
// compiled model.
func TestCompiledModelKeepsItsWeights(t *testing.T) {
	r := rng.New(5)
	m := newJoined()
	randomize(m, r)
	inf, x := Compile(m), randomTensor(r, 1, 8, 8, 3)
	before, err := inf.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	randomize(m, r)
	after, err := inf.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	for i := range before.Data {
		if before.Data[i] != after.Data[i] {
			t.Fatalf("output %d moved from %v to %v", i, before.Data[i], after.Data[i])
		}
	}
}

func TestInferenceRefusesWrongInput(t *testing.T) {
	inf := Compile(NewSequential(NewConv2d(3, 4, 5, 1, 0, false), GlobalAvgPool{}, NewLinear(4, 2, true)))
	for name, c := range map[string]struct {
		x    *tensor.Tensor
		want string
	}{
		"channels":  {tensor.New(1, 8, 8, 4), "4 channels"},
		"too small": {tensor.New(1, 4, 8, 3), "too small"},
		"shape":     {tensor.New(8, 8, 3), "want [N,H,W,C]"},
	} {
		if _, err := inf.Run(c.x); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestStateUsesTorchsLayout(t *testing.T) {
	c := NewConv2d(2, 3, 2, 1, 0, true)
	e := c.State()[0]
	v := make([]float32, 3*2*2*2)
	for i := range v {
		v[i] = float32(i)
	}
	if err := e.Set(v); err != nil {
		t.Fatal(err)
	}
	// torch's [k,c,h,w] = [2,1,0,1] is 2*8+1*4+0*2+1 = 21; ours is [h,w,c,k].
	if got := c.Weight.Value.Data[((0*2+1)*2+1)*3+2]; got != 21 {
		t.Errorf("weight [2,1,0,1] is %v, want 21", got)
	}
	for i, got := range e.Get() {
		if got != v[i] {
			t.Fatalf("Get()[%d] = %v after Set of %v", i, got, v[i])
		}
	}
	if err := e.Set(v[1:]); err == nil || !strings.Contains(err.Error(), "weight") {
		t.Errorf("Set of 23 values gave %v", err)
	}
}

func TestStateNames(t *testing.T) {
	m := NewNamed(Child{"conv1", NewConv2d(3, 4, 3, 1, 1, false)}, Child{"layer1", NewSequential(NewBatchNorm(4), ReLU(), NewLinear(4, 2, true))})
	var names []string
	for _, e := range State(m) {
		names = append(names, e.Name)
	}
	const want = "conv1.weight layer1.0.weight layer1.0.bias layer1.0.running_mean layer1.0.running_var layer1.0.num_batches_tracked layer1.2.weight layer1.2.bias"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("state:\n%s\nwant:\n%s", got, want)
	}
}

// TestInitOrder holds that values are those of one stream in order, however many goroutines
// draw them, and that the stream then stands behind them.
func TestInitOrder(t *testing.T) {
	c := NewConv2d(70, 130, 3, 1, 1, false)
	e, r, same := c.State()[0], rng.New(1), rng.New(1)
	Normal(e, 0.5, r)
	for i, v := range e.Param.Value.Data {
		if want := float32(0.5 * same.Normal()); v != want {
			t.Fatalf("normal: value %d is %v, want %v", i, v, want)
		}
	}
	Uniform(e, 0.5, r)
	for i, v := range e.Param.Value.Data {
		if want := float32(same.Uniform(-0.5, 0.5)); v != want {
			t.Fatalf("uniform: value %d is %v, want %v", i, v, want)
		}
	}
	if a, b := r.Uint64(), same.Uint64(); a != b {
		t.Errorf("the stream goes on with %x, want %x", a, b)
	}
}

// TestInitSpread checks standard deviations against the formulas' values.
func TestInitSpread(t *testing.T) {
	c := NewConv2d(64, 128, 3, 1, 1, false)
	e := c.State()[0]
	std := func() float64 {
		var s float64
		for _, v := range c.Weight.Value.Data {
			s += float64(v) * float64(v)
		}
		return math.Sqrt(s / float64(c.Weight.Value.Len()))
	}
	for name, f := range map[string]struct {
		fill func()
		want float64
	}{
		"kaiming normal fan in":  {func() { KaimingNormal(e, false, rng.New(1)) }, math.Sqrt(2.0 / (64 * 9))},
		"kaiming normal fan out": {func() { KaimingNormal(e, true, rng.New(1)) }, math.Sqrt(2.0 / (128 * 9))},
		"kaiming uniform":        {func() { KaimingUniform(e, rng.New(1)) }, math.Sqrt(2.0 / (64 * 9))},
		"uniform":                {func() { Uniform(e, 0.3, rng.New(1)) }, 0.3 / math.Sqrt(3)},
	} {
		f.fill()
		if got := std(); math.Abs(got-f.want) > 0.02*f.want {
			t.Errorf("%s: standard deviation %v, want %v", name, got, f.want)
		}
	}
}
