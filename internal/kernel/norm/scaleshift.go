package norm

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// ScaleShift is batch normalization once its statistics are known: a scale and
// a shift for each channel of [Rows, C].
type ScaleShift struct {
	Rows, C      int
	Scale, Shift []float32 // [C]
}

// Apply computes y = activation(x*Scale + Shift + e.Residual), and e.Mask, in
// one pass over memory. x and y are [Rows, C]; y may be x or e.Residual. e.Bias
// must be nil, because Shift is one, and e.Stride 0 or C.
func (s ScaleShift) Apply(x, y []float32, e elementwise.Epilogue) {
	const op = "norm.ScaleShift.Apply"
	rows, c := s.Rows, s.C
	relu, after := e.Split(op)
	ground.Need(op, "x", len(x), rows*c)
	ground.Need(op, "y", len(y), rows*c)
	ground.Need(op, "Scale", len(s.Scale), c)
	ground.Need(op, "Shift", len(s.Shift), c)
	ground.NeedOptional(op, "Epilogue.Residual", e.Residual, rows*c)
	needMask(op, e.Mask, rows, c)
	if e.Bias != nil || e.Stride != 0 && e.Stride != c {
		panic(op + ": Shift is the bias and y is dense: leave Epilogue.Bias and Epilogue.Stride open")
	}
	if e.Mask != nil && !relu {
		panic(op + ": only a ReLU has a mask: set Epilogue.Activation, or leave Epilogue.Mask nil")
	}
	type args struct {
		x, scale, shift, residual, y []float32
		mask                         []uint16
		c                            int
		relu, nonTemporal            bool
		after                        elementwise.Activation
	}
	nonTemporal := after == elementwise.Identity && ground.StoresNonTemporal(Table.Active().NonTemporalFloats, len(y), y, c, x, e.Residual)
	rowwise.For(rows, c, args{x, s.Scale, s.Shift, e.Residual, y, e.Mask, c, relu, nonTemporal, after}, func(a *args, lo, hi int) {
		c := a.c
		x, r, y := a.x[lo*c:hi*c], rowsOf(a.residual, lo, hi, c), a.y[lo*c:hi*c]
		if a.mask != nil {
			scaleShiftMask(x, a.scale, a.shift, r, y, maskOfRows(a.mask, lo, hi, c), hi-lo, c, a.nonTemporal)
		} else {
			scaleShift(x, a.scale, a.shift, r, y, hi-lo, c, a.relu, a.nonTemporal)
			a.after.Tile(y, hi-lo, c, c)
		}
	})
}

// scaleShiftGo is ScaleShift.Apply for one piece, but for the mask.
func scaleShiftGo(x, scale, shift, residual, y []float32, rows, c int, relu bool) {
	scale, shift = scale[:c], shift[:c]
	for r := range rows {
		xr, yr := x[r*c:(r+1)*c], y[r*c:(r+1)*c]
		for i, v := range xr {
			// The conversion keeps the compiler from fusing the product into
			// the sum, so that batchnorm.go can repeat this to the bit.
			v = float32(v*scale[i]) + shift[i]
			if residual != nil {
				v += residual[r*c+i]
			}
			if relu {
				v = max(v, 0)
			}
			yr[i] = v
		}
	}
}
