package cpu

import "math"

// LogSoftmax computes y[r,i] = x[r,i] - log(sum over j of exp(x[r,j])) for each
// row (torch.nn.functional.log_softmax over the last dimension). The row's
// maximum is subtracted first, so no finite input overflows; the sum is in
// float64. x and y are [rows, c]; y may be x. Rows of -Inf give NaN, as in
// PyTorch.
func LogSoftmax(x []float32, rows, c int, y []float32) {
	need("LogSoftmax", "x", len(x), rows*c)
	need("LogSoftmax", "y", len(y), rows*c)
	type args struct {
		x, y []float32
		c    int
	}
	forRows(rows, c, args{x, y, c}, func(a *args, lo, hi int) {
		for r := lo; r < hi; r++ {
			logSoftmaxRow(a.x[r*a.c:][:a.c], a.y[r*a.c:][:a.c])
		}
	})
}

func logSoftmaxRow(x, y []float32) {
	top := x[0]
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - float64(top))
	}
	log := float64(top) + math.Log(sum)
	for i, v := range x {
		y[i] = float32(float64(v) - log)
	}
}
