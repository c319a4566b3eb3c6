package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/tensor"
)

func addTo(dst, src []float32) { elementwise.Add(dst, src, dst) }

// ReLU is max(x, 0), any shape; NaN stays NaN.
func ReLU(tp *Tape, x *Variable) *Variable {
	y := tp.newVar(x.Value.Shape...)
	tp.timed("relu", func() { elementwise.ReLU(x.Value.Data, y.Value.Data) })
	record(tp, "relu", y, x.needs, []*Variable{y}, x, func(tp *Tape, y *Variable, x **Variable) {
		elementwise.ReLUBackward(y.Grad.Data, tp.value(y), y.Grad.Data)
		tp.giveGrad(*x, y)
	})
	return y
}

// Dropout zeroes each value with probability p and scales the rest by 1/(1-p)
// in training (torch's Dropout); otherwise it returns x itself. The mask comes
// from tp.Rand, one draw of a key per call, so it does not depend on threads.
func Dropout(tp *Tape, x *Variable, p float64) *Variable {
	if !tp.Training || p <= 0 {
		return x
	}
	y := tp.newVar(x.Value.Shape...)
	mask := tp.newVar(x.Value.Shape...)
	key := tp.Rand.Uint64()
	keep := float32(0)
	if p < 1 {
		keep = float32(1 / (1 - p))
	}
	type args struct {
		x, mask, y []float32
		key        uint64
		p          float64
		keep       float32
	}
	tp.timed("dropout", func() {
		a := args{x.Value.Data, mask.Value.Data, y.Value.Data, key, p, keep}
		parallel.ChunksWith(x.Value.Len(), 1<<14, a, func(a *args, lo, hi int) {
			for i := lo; i < hi; i++ {
				m := a.keep
				if uniform(a.key, uint64(i)) < a.p {
					m = 0
				}
				a.mask[i] = m
				a.y[i] = a.x[i] * m
			}
		})
	})
	type inputs struct{ x, mask *Variable }
	record(tp, "dropout", y, x.needs, []*Variable{mask}, inputs{x, mask}, func(tp *Tape, y *Variable, in *inputs) {
		elementwise.Mul(y.Grad.Data, tp.value(in.mask), y.Grad.Data)
		tp.giveGrad(in.x, y)
	})
	tp.Free(mask)
	return y
}

// uniform is the i-th uniform number in [0,1) of a key.
func uniform(key, i uint64) float64 {
	z := key + i*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return float64((z^z>>31)>>11) / (1 << 53)
}

// Add is a + b, of one shape.
func Add(tp *Tape, a, b *Variable) *Variable {
	if !tensor.SameShape(a.Value.Shape, b.Value.Shape) {
		panic(fmt.Sprintf("autograd: cannot add values of shapes %v and %v", a.Value.Shape, b.Value.Shape))
	}
	y := tp.newVar(a.Value.Shape...)
	tp.timed("add", func() { elementwise.Add(a.Value.Data, b.Value.Data, y.Value.Data) })
	type inputs struct{ a, b *Variable }
	record(tp, "add", y, a.needs || b.needs, nil, inputs{a, b}, func(tp *Tape, y *Variable, in *inputs) {
		if in.a.needs && in.b.needs {
			dy := y.Grad.Data
			tp.gradInto(in.a, func(d []float32) { copy(d, dy) })
			tp.giveGrad(in.b, y)
		} else if in.a.needs {
			tp.giveGrad(in.a, y)
		} else {
			tp.giveGrad(in.b, y)
		}
	})
	return y
}

// Concat joins xs along the channels: [...,C1], [...,C2], … give [...,C1+C2+…].
func Concat(tp *Tape, xs ...*Variable) *Variable {
	first, rest, c, needs := xs[0].Value.Shape, len(xs[0].Value.Shape)-1, 0, false
	for _, x := range xs {
		s := x.Value.Shape
		if len(s) != rest+1 || !tensor.SameShape(s[:rest], first[:rest]) {
			panic(fmt.Sprintf("autograd: cannot join channels of %v and %v", first, s))
		}
		c, needs = c+s[rest], needs || x.needs
	}
	y := tp.newVar(append(first[:rest:rest], c)...)
	tp.timed("concat", func() {
		off := 0
		for _, x := range xs {
			w := x.Value.Dim(-1)
			elementwise.CopyStrided(y.Value.Data[off:], c, x.Value.Data, w, w, x.rows())
			off += w
		}
	})
	record(tp, "concat", y, needs, nil, append([]*Variable(nil), xs...), concatBackward)
	return y
}

func concatBackward(tp *Tape, y *Variable, xs *[]*Variable) {
	c, off := y.shape[len(y.shape)-1], 0
	for _, v := range *xs {
		w := v.shape[len(v.shape)-1]
		if v.needs {
			tp.gradInto(v, func(d []float32) { elementwise.CopyStrided(d, w, y.Grad.Data[off:], c, w, y.rows()) })
		}
		off += w
	}
}
