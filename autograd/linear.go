package autograd

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
)

// Linear is x·wᵀ + bias for x [N,in], w [out,in] and bias [out] (or nil), as
// torch's Linear: [N,out].
func Linear(tp *Tape, x *Variable, w, bias *Parameter) *Variable {
	if len(x.Value.Shape) != 2 || x.Value.Shape[1] != w.Value.Shape[1] {
		panic(fmt.Sprintf("autograd: linear layer with weights %v on input %v", w.Value.Shape, x.Value.Shape))
	}
	n, in, out := x.Value.Shape[0], x.Value.Shape[1], w.Value.Shape[0]
	y := tp.newVar(n, out)
	tp.timed("linear", func() {
		gemm.MatMul{M: n, N: out, K: in, TransB: true}.Multiply(x.Value.Data, w.Value.Data, y.Value.Data)
		if bias != nil {
			elementwise.AddBias(y.Value.Data, n, out, bias.Value.Data, y.Value.Data)
		}
	})
	needs := x.needs || w.RequiresGrad || (bias != nil && bias.RequiresGrad)
	var reads []*Variable
	if w.RequiresGrad {
		reads = append(reads, x)
	}
	record(tp, "linear", y, needs, reads, linear{x, w, bias}, linearBackward)
	return y
}

// linear is what the backward pass of a Linear needs.
type linear struct {
	x       *Variable
	w, bias *Parameter
}

func linearBackward(tp *Tape, y *Variable, l *linear) {
	dy, x, w := y.Grad.Data, l.x, l.w
	n, in, out := x.shape[0], x.shape[1], w.Value.Shape[0]
	if l.bias != nil && l.bias.RequiresGrad {
		l.bias.grad(tp, func(db []float32) { elementwise.SumRows(dy, n, out, db) })
	}
	if w.RequiresGrad {
		w.grad(tp, func(dw []float32) { gemm.MatMul{M: out, N: in, K: n, TransA: true}.Multiply(dy, tp.value(x), dw) })
	}
	if x.needs {
		tp.gradInto(x, func(dx []float32) { gemm.MatMul{M: n, N: in, K: out}.Multiply(dy, w.Value.Data, dx) })
	}
}
