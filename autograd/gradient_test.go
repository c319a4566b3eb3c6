package autograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func random(r *rng.Stream, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(r.Normal())
	}
	return t
}

func newNorm(r *rng.Stream, c int) *BatchNormState {
	s := &BatchNormState{Weight: NewParameter(random(r, c)), Bias: NewParameter(random(r, c)),
		RunningMean: random(r, c).Data, RunningVar: make([]float32, c), Eps: 1e-5, Momentum: 0.1}
	for i := range s.RunningVar {
		s.RunningVar[i] = float32(0.5 + r.Float64())
	}
	return s
}

// TestGradients compares the gradient of every operation, with respect to its
// inputs and parameters, with central differences of sum(out*upstream). The
// loss is summed in float64; what remains is float32 noise in the operation,
// about 1e-7/step relative, and the curvature term, so 1e-2 of the largest
// gradient is the bound at a step of 1e-2 (kinks of ReLU and max pool are
// kept away from by the spread of the values; a wrong formula is off by far
// more).
func TestGradients(t *testing.T) {
	type layer struct {
		name   string
		shapes [][]int
		params func(r *rng.Stream) []*Parameter
		run    func(tp *Tape, x []*Variable, p []*Parameter) *Variable
	}
	conv := func(k, c, out, stride, pad int, bias, relu bool) layer {
		return layer{
			name:   fmt.Sprintf("conv %d×%d %d→%d stride %d pad %d bias %v relu %v", k, k, c, out, stride, pad, bias, relu),
			shapes: [][]int{{2, 7, 6, c}},
			params: func(r *rng.Stream) []*Parameter {
				p := []*Parameter{NewParameter(random(r, k, k, c, out))}
				if bias {
					p = append(p, NewParameter(random(r, out)))
				}
				return p
			},
			run: func(tp *Tape, x []*Variable, p []*Parameter) *Variable {
				var b *Parameter
				if bias {
					b = p[1]
				}
				return Conv2d(tp, x[0], p[0], b, stride, pad, relu)
			},
		}
	}
	// readers has a Fire (squeeze, then two convolutions joined) whose result,
	// which takes its gradient before the ReLU where it can, is read in the given
	// ways.
	readers := func(name string, heads ...func(tp *Tape, x *Variable, w *Parameter) *Variable) layer {
		return layer{
			name: name, shapes: [][]int{{2, 6, 7, 5}},
			params: func(r *rng.Stream) []*Parameter {
				p := []*Parameter{NewParameter(random(r, 1, 1, 5, 4)), NewParameter(random(r, 4)), NewParameter(random(r, 1, 1, 4, 5)), NewParameter(random(r, 5)), NewParameter(random(r, 3, 3, 4, 7)), NewParameter(random(r, 7))}
				for range heads {
					p = append(p, NewParameter(random(r, 1, 1, 12, 3)))
				}
				return p
			},
			run: func(tp *Tape, x []*Variable, p []*Parameter) *Variable {
				s := Conv2d(tp, x[0], p[0], p[1], 1, 0, true)
				h := ConvReLUConcat(tp, s, ConvBranch{p[2], p[3], 1, 0}, ConvBranch{p[4], p[5], 1, 1})
				var y *Variable
				for i, head := range heads {
					out := head(tp, h, p[6+i])
					if len(out.Value.Shape) == 4 {
						out = GlobalAvgPool(tp, out)
					}
					if y == nil {
						y = out
					} else {
						y = Concat(tp, y, out)
					}
				}
				return y
			},
		}
	}
	pointwise := func(tp *Tape, x *Variable, w *Parameter) *Variable { return Conv2d(tp, x, w, nil, 1, 0, false) }
	strided := func(tp *Tape, x *Variable, w *Parameter) *Variable { return Conv2d(tp, x, w, nil, 2, 0, true) }
	pooled := func(tp *Tape, x *Variable, _ *Parameter) *Variable { return MaxPool2d(tp, x, 3, 2, 0, true) }
	average := func(tp *Tape, x *Variable, _ *Parameter) *Variable { return GlobalAvgPool(tp, x) }
	concat := func(tp *Tape, x *Variable, w *Parameter) *Variable {
		return ConvReLUConcat(tp, x, ConvBranch{w, nil, 1, 0})
	}
	var norm *BatchNormState
	bn := func(name string, training, residual, relu bool, shape ...int) layer {
		shapes := [][]int{shape}
		if residual {
			shapes = append(shapes, shape)
		}
		return layer{
			name: name, shapes: shapes,
			params: func(r *rng.Stream) []*Parameter {
				norm = newNorm(r, shape[len(shape)-1])
				norm.UseRunning = !training
				return []*Parameter{norm.Weight, norm.Bias}
			},
			run: func(tp *Tape, x []*Variable, _ []*Parameter) *Variable {
				var res *Variable
				if residual {
					res = x[1]
				}
				return BatchNorm(tp, x[0], norm, res, relu)
			},
		}
	}
	unary := func(name string, f func(tp *Tape, x *Variable) *Variable, shape ...int) layer {
		return layer{name: name, shapes: [][]int{shape}, params: func(*rng.Stream) []*Parameter { return nil },
			run: func(tp *Tape, x []*Variable, _ []*Parameter) *Variable { return f(tp, x[0]) }}
	}
	layers := []layer{
		conv(3, 5, 4, 1, 1, false, false), conv(3, 16, 33, 1, 1, true, true), conv(3, 3, 8, 2, 1, false, false),
		conv(1, 6, 5, 1, 0, true, false), conv(1, 4, 6, 2, 0, false, false), conv(7, 3, 4, 2, 3, false, true), conv(3, 3, 5, 2, 0, true, true),
		bn("batch norm", true, false, false, 3, 4, 5, 6), bn("batch norm relu", true, false, true, 3, 4, 5, 6),
		bn("batch norm residual relu", true, true, true, 2, 4, 5, 17), bn("batch norm residual", true, true, false, 2, 4, 5, 3),
		bn("batch norm 1d", true, false, false, 9, 7), bn("batch norm, running statistics", false, true, true, 2, 3, 3, 5),
		{name: "linear", shapes: [][]int{{5, 7}},
			params: func(r *rng.Stream) []*Parameter {
				return []*Parameter{NewParameter(random(r, 3, 7)), NewParameter(random(r, 3))}
			},
			run: func(tp *Tape, x []*Variable, p []*Parameter) *Variable { return Linear(tp, x[0], p[0], p[1]) }},
		{name: "convolutions joined", shapes: [][]int{{2, 5, 6, 4}},
			params: func(r *rng.Stream) []*Parameter {
				return []*Parameter{NewParameter(random(r, 1, 1, 4, 5)), NewParameter(random(r, 5)), NewParameter(random(r, 3, 3, 4, 7)), NewParameter(random(r, 7)), NewParameter(random(r, 1, 1, 4, 2))}
			},
			run: func(tp *Tape, x []*Variable, p []*Parameter) *Variable {
				return ConvReLUConcat(tp, x[0], ConvBranch{p[0], p[1], 1, 0}, ConvBranch{p[2], p[3], 1, 1}, ConvBranch{p[4], nil, 1, 0})
			}},
		readers("fire read by a 1×1 convolution", pointwise), readers("fire read by a 1×1 convolution at a stride", strided), readers("fire read by a max pool", pooled),
		readers("fire read by a global pool", average), readers("fire read by joined convolutions", concat),
		readers("fire read by a global pool, then by a convolution", average, pointwise),
		readers("fire read by a convolution, then by a global pool", pointwise, average),
		readers("fire read by two convolutions", pointwise, strided), readers("fire read by a convolution and a max pool", pointwise, pooled),
		readers("fire read by a max pool and a convolution", pooled, pointwise), readers("fire read in four ways", average, pooled, concat, pointwise),
		{name: "concat", shapes: [][]int{{2, 3, 3, 4}, {2, 3, 3, 5}}, params: func(*rng.Stream) []*Parameter { return nil },
			run: func(tp *Tape, x []*Variable, _ []*Parameter) *Variable { return Concat(tp, x[0], x[1]) }},
		unary("relu", ReLU, 3, 4, 5),
		unary("max pool 3 stride 2 pad 1", func(tp *Tape, x *Variable) *Variable { return MaxPool2d(tp, x, 3, 2, 1, false) }, 2, 7, 6, 5),
		unary("max pool 3 stride 2 ceil", func(tp *Tape, x *Variable) *Variable { return MaxPool2d(tp, x, 3, 2, 0, true) }, 2, 8, 6, 5),
		unary("global average pool", GlobalAvgPool, 2, 3, 4, 5),
		unary("concat pool", ConcatPool, 2, 3, 4, 5),
		unary("dropout", func(tp *Tape, x *Variable) *Variable {
			tp.Rand = rng.New(5) // the same mask each time
			return Dropout(tp, x, 0.4)
		}, 6, 9),
		{name: "a variable read twice", shapes: [][]int{{2, 4, 4, 3}},
			params: func(r *rng.Stream) []*Parameter { return []*Parameter{NewParameter(random(r, 3, 3, 3, 3))} },
			run: func(tp *Tape, x []*Variable, p []*Parameter) *Variable {
				y := Conv2d(tp, x[0], p[0], nil, 1, 1, false)
				return Concat(tp, Conv2d(tp, y, p[0], nil, 1, 1, false), y)
			}},
	}
	for _, l := range layers {
		t.Run(l.name, func(t *testing.T) {
			r := rng.New(42)
			var inputs []*tensor.Tensor
			for _, s := range l.shapes {
				inputs = append(inputs, random(r, s...))
			}
			params := l.params(r)
			arena := NewArena()
			var upstream *tensor.Tensor
			loss := func(back bool) (float64, []*Variable) {
				tp := NewTape(arena)
				tp.Record, tp.Training = back, true
				var in []*Variable
				for _, x := range inputs {
					in = append(in, tp.Input(x, true))
				}
				y := l.run(tp, in, params)
				if upstream == nil {
					upstream = random(r, y.Value.Shape...)
				}
				sum := 0.0
				for i, v := range y.Value.Data {
					sum += float64(v) * float64(upstream.Data[i])
				}
				if back {
					tp.Backward(y, upstream)
					for _, v := range in {
						v.Grad = v.Grad.Clone()
					}
				} else {
					tp.Reset()
				}
				return sum, in
			}
			_, in := loss(true)
			check := func(what string, value, grad []float32) {
				const h = 1e-2
				largest := 0.0
				for _, g := range grad {
					largest = math.Max(largest, math.Abs(float64(g)))
				}
				bad := 0
				step := max(1, len(value)/150)
				for i := 0; i < len(value); i += step {
					old := value[i]
					value[i] = old + h
					up, _ := loss(false)
					value[i] = old - h
					down, _ := loss(false)
					value[i] = old
					want := (up - down) / (2 * h)
					if math.Abs(want-float64(grad[i])) > 1e-2*largest+1e-3 {
						// One side of a kink: the one-sided differences disagree.
						mid, _ := loss(false)
						if a, b := (up-mid)/h, (mid-down)/h; math.Abs(a-b) > 1e-2*largest {
							continue
						}
						if bad++; bad <= 3 {
							t.Errorf("%s[%d]: gradient %v, differences give %v", what, i, grad[i], want)
						}
					}
				}
			}
			for i, v := range in {
				check(fmt.Sprintf("input %d", i), inputs[i].Data, v.Grad.Data)
			}
			for i, p := range params {
				if p.Grad != nil { // not all heads have parameters
					check(fmt.Sprintf("parameter %d", i), p.Value.Data, p.Grad.Data)
				}
			}
		})
	}
}

// TestFrozenCostsNothing checks that no gradient is computed for frozen
// weights, nor for anything below the lowest trainable parameter.
func TestFrozenCostsNothing(t *testing.T) {
	r := rng.New(1)
	w1, w2 := NewParameter(random(r, 3, 3, 3, 4)), NewParameter(random(r, 3, 3, 4, 4))
	w1.RequiresGrad = false
	tp := NewTape(NewArena())
	tp.Record, tp.Training = true, true
	x := tp.Input(random(r, 1, 5, 5, 3), false)
	a := Conv2d(tp, x, w1, nil, 1, 1, false)
	b := Conv2d(tp, a, w2, nil, 1, 1, false)
	if a.NeedsGrad() || !b.NeedsGrad() {
		t.Errorf("needs gradient: below the trainable weight %v, above it %v", a.NeedsGrad(), b.NeedsGrad())
	}
	if len(tp.ops) != 1 {
		t.Errorf("%d operations recorded, want 1", len(tp.ops))
	}
	tp.Backward(b, random(r, b.Value.Shape...))
	if w1.HasGrad || !w2.HasGrad {
		t.Errorf("gradients: frozen %v, trainable %v", w1.HasGrad, w2.HasGrad)
	}
}

// TestGradientsAccumulate checks that a second backward pass adds, until
// ZeroGrad.
func TestGradientsAccumulate(t *testing.T) {
	r := rng.New(1)
	w := NewParameter(random(r, 3, 4))
	x := random(r, 2, 4)
	up := random(r, 2, 3)
	run := func() {
		tp := NewTape(NewArena())
		tp.Record = true
		tp.Backward(Linear(tp, tp.Input(x, false), w, nil), up)
	}
	run()
	once := append([]float32(nil), w.Grad.Data...)
	run()
	for i, g := range w.Grad.Data {
		if g != 2*once[i] {
			t.Fatalf("after two passes gradient %d is %v, after one %v", i, g, once[i])
		}
	}
	w.ZeroGrad()
	run()
	for i, g := range w.Grad.Data {
		if g != once[i] {
			t.Fatalf("after ZeroGrad gradient %d is %v, want %v", i, g, once[i])
		}
	}
}

// TestKeptReLUResult checks that a variable which its reader wants to look at has
// the gradient of its value, not that of what is before its ReLU, and that the
// gradients below are the same.
func TestKeptReLUResult(t *testing.T) {
	for _, keep := range []bool{false, true} {
		r := rng.New(3)
		x := random(r, 1, 4, 4, 3)
		w, b, v := NewParameter(random(r, 1, 1, 3, 4)), NewParameter(random(r, 4)), NewParameter(random(r, 1, 1, 4, 2))
		arena := NewArena()
		tp := NewTape(arena)
		tp.Record, tp.Training = true, true
		h := Conv2d(tp, tp.Input(x, false), w, b, 1, 0, true)
		h.Keep = keep
		value := append([]float32(nil), h.Value.Data...)
		y := Conv2d(tp, h, v, nil, 1, 0, false)
		up := random(r, y.Value.Shape...)
		tp.Backward(y, up)
		sum := make([]float64, 4)
		for i := range 16 * 4 {
			want := float64(up.Data[i/4*2])*float64(v.Value.Data[i%4*2]) + float64(up.Data[i/4*2+1])*float64(v.Value.Data[i%4*2+1])
			if keep {
				if g := float64(h.Grad.Data[i]); math.Abs(g-want) > 1e-5 {
					t.Fatalf("the kept variable's gradient[%d] is %v, want %v", i, g, want)
				}
			}
			if value[i] > 0 {
				sum[i%4] += want
			}
		}
		for i, want := range sum {
			if g := float64(b.Grad.Data[i]); math.Abs(g-want) > 1e-4 {
				t.Errorf("keep %v: the bias's gradient[%d] is %v, want %v", keep, i, g, want)
			}
		}
		tp.Reset()
		if arena.InUse() != 0 {
			t.Errorf("keep %v: %d buffers are still in use after Reset", keep, arena.InUse())
		}
	}
}

// TestStepsReuseBuffers checks that after a few steps, in which buffers find
// their places, a step takes nothing new from the system, and that it leaves
// nothing in use.
func TestStepsReuseBuffers(t *testing.T) {
	r := rng.New(1)
	arena := NewArena()
	w := NewParameter(random(r, 3, 3, 8, 8))
	n := newNorm(r, 8)
	x := random(r, 2, 16, 16, 8)
	step := func() {
		tp := NewTape(arena)
		tp.Record, tp.Training = true, true
		in := tp.Input(x, false)
		h := BatchNorm(tp, Conv2d(tp, in, w, nil, 1, 1, false), n, in, true)
		y := GlobalAvgPool(tp, h)
		tp.Backward(y, random(r, 2, 8))
		tp.Reset()
	}
	for range 3 {
		step()
	}
	before := arena.Bytes()
	for range 5 {
		step()
	}
	if after := arena.Bytes(); after != before {
		t.Errorf("the arena grew from %d to %d bytes", before, after)
	}
	if arena.InUse() != 0 {
		t.Errorf("%d buffers are still in use after Reset", arena.InUse())
	}
}
