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
	tp.record("relu", y, x.needs, []*Variable{y}, func() {
		cpu.ReLUBackward(y.Grad.Data, tp.value(y), y.Grad.Data)
		tp.giveGrad(x, y)
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
	tp.timed("dropout", func() {
		parallel.Chunks(x.Value.Len(), 1<<14, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				m := keep
				if uniform(key, uint64(i)) < p {
					m = 0
				}
				mask.Value.Data[i] = m
				y.Value.Data[i] = x.Value.Data[i] * m
			}
		})
	})
	tp.record("dropout", y, x.needs, []*Variable{mask}, func() {
		parallel.Chunks(len(y.Grad.Data), 1<<14, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				y.Grad.Data[i] *= mask.Value.Data[i]
			}
		})
		tp.giveGrad(x, y)
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
	shape := append([]int(nil), as...)
	shape[len(shape)-1] = c
	y := tp.newVar(shape...)
	tp.timed("concat", func() {
		cpu.CopyStrided(y.Value.Data, c, a.Value.Data, ca, ca, rows)
		cpu.CopyStrided(y.Value.Data[ca:], c, b.Value.Data, cb, cb, rows)
	})
	tp.record("concat", y, a.needs || b.needs, nil, func() {
		if a.needs {
			tp.gradInto(a, func(d []float32) { cpu.CopyStrided(d, ca, y.Grad.Data, c, ca, rows) })
		}
		if b.needs {
			tp.gradInto(b, func(d []float32) { cpu.CopyStrided(d, cb, y.Grad.Data[ca:], c, cb, rows) })
		}
	})
	return y
}
