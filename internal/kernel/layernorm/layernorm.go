package layernorm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// LayerNorm normalizes each of Rows rows of C values: y = (x - mean)/√(variance +
// Eps)*weight + bias, mean and variance (divided by C) being the row's own. See Ba,
// Kiros and Hinton, "Layer Normalization" (2016, https://arxiv.org/abs/1607.06450);
// the formulas are those of torch.nn.LayerNorm.
type LayerNorm struct {
	Rows, C int
	Eps     float32
}

// run is a pass under way.
type run struct {
	LayerNorm
	x, y, dx, weight, bias []float32
	mean, rstd             []float32
	sums                   rowwise.Sums // of the parameters' gradients
	add                    bool
}

// args is the argument of the kernels for rows [lo,hi).
func (r *run) args(lo, hi int) args {
	c := r.C
	return args{
		X: &r.x[lo*c], Y: &r.y[lo*c], Weight: &r.weight[0], Mean: &r.mean[lo], Rstd: &r.rstd[lo],
		Rows: hi - lo, C: c, InvC: 1 / float32(c), Eps: r.Eps,
	}
}

// Forward computes y [Rows,C] from x [Rows,C], weight [C] and bias [C], and writes
// each row's mean and 1/√(variance + Eps) to mean and rstd [Rows], for Backward. y
// may be x. x goes through memory once. It panics when a length does not fit.
func (l LayerNorm) Forward(x, weight, bias, y, mean, rstd []float32) {
	const op = "layernorm.LayerNorm.Forward"
	l.need(op, x, weight, mean, rstd)
	ground.Need(op, "bias", len(bias), l.C)
	ground.Need(op, "y", len(y), l.Rows*l.C)
	rowwise.For(l.Rows, l.C, run{LayerNorm: l, x: x, y: y, weight: weight, bias: bias, mean: mean, rstd: rstd}, func(r *run, lo, hi int) {
		a := r.args(lo, hi)
		a.Bias = &r.bias[0]
		Table.Active().Forward(isa.Arg(&a))
	})
}

// Backward computes dx, the gradient of x, from dy, that of y, and what Forward had
// and left, or with add adds it to dx; and dweight and dbias [C], those of the
// parameters, each unless it is nil. dx may be dy. Sums over rows are cut by shape alone, each piece summed
// in float32, the pieces in float64. It panics when a length does not fit.
func (l LayerNorm) Backward(dy, x, weight, mean, rstd, dx []float32, add bool, dweight, dbias []float32) {
	const op = "layernorm.LayerNorm.Backward"
	l.need(op, x, weight, mean, rstd)
	ground.Need(op, "dy", len(dy), l.Rows*l.C)
	ground.Need(op, "dx", len(dx), l.Rows*l.C)
	ground.NeedOptional(op, "dweight", dweight, l.C)
	ground.NeedOptional(op, "dbias", dbias, l.C)
	r := run{LayerNorm: l, x: x, y: dy, dx: dx, weight: weight, mean: mean, rstd: rstd, add: add, sums: rowwise.NewSums(l.Rows, l.C, 2)}
	rowwise.For(l.Rows, l.C, r, func(r *run, lo, hi int) {
		a := r.args(lo, hi)
		sums := r.sums.At(lo)
		a.DX, a.DWeight, a.DBias = &r.dx[lo*r.C], &sums[0], &sums[r.C]
		if r.add {
			Table.Active().BackwardAdd(isa.Arg(&a))
		} else {
			Table.Active().Backward(isa.Arg(&a))
		}
	})
	r.sums.Merge(dweight, dbias)
}

// need panics unless the slices that both passes read fit.
func (l LayerNorm) need(op string, x, weight, mean, rstd []float32) {
	ground.Need(op, "x", len(x), l.Rows*l.C)
	ground.Need(op, "weight", len(weight), l.C)
	ground.Need(op, "mean", len(mean), l.Rows)
	ground.Need(op, "rstd", len(rstd), l.Rows)
}
