package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/cpu"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/tensor"
)

func addTo(dst, src []float32) { cpu.Add(dst, src, dst) }

// ReLU is max(x, 0), any shape; NaN stays NaN.
func ReLU(tp *Tape, x *Variable) *Variable {
	y := tp.newVar(x.Value.Shape...)
	tp.timed("relu", func() { cpu.ReLU(x.Value.Data, y.Value.Data) })
	record(tp, "relu", y, x.needs, []*Variable{y}, x, func(tp *Tape, y *Variable, x **Variable) {
		cpu.ReLUBackward(y.Grad.Data, tp.value(y), y.Grad.Data)
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
		cpu.Mul(y.Grad.Data, tp.value(in.mask), y.Grad.Data)
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

// Concat joins a and b along the channels: [...,C1] and [...,C2] give
// [...,C1+C2].
func Concat(tp *Tape, a, b *Variable) *Variable {
	as, bs := a.Value.Shape, b.Value.Shape
	if !tensor.SameShape(as[:len(as)-1], bs[:len(bs)-1]) {
		panic(fmt.Sprintf("autograd: cannot join channels of %v and %v", as, bs))
	}
	ca, cb := a.Value.Dim(-1), b.Value.Dim(-1)
	c, rows := ca+cb, a.Value.Len()/ca
	y := tp.newVar(append(as[:len(as)-1:len(as)-1], c)...)
	tp.timed("concat", func() {
		cpu.CopyStrided(y.Value.Data, c, a.Value.Data, ca, ca, rows)
		cpu.CopyStrided(y.Value.Data[ca:], c, b.Value.Data, cb, cb, rows)
	})
	type inputs struct{ a, b *Variable }
	record(tp, "concat", y, a.needs || b.needs, nil, inputs{a, b}, func(tp *Tape, y *Variable, in *inputs) {
		c, off := y.shape[len(y.shape)-1], 0
		for _, v := range [2]*Variable{in.a, in.b} {
			w := v.shape[len(v.shape)-1]
			if v.needs {
				tp.gradInto(v, func(d []float32) { cpu.CopyStrided(d, w, y.Grad.Data[off:], c, w, y.rows()) })
			}
			off += w
		}
	})
	return y
}
