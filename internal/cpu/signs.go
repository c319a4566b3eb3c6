package cpu

// This file holds the signs that a ReLU leaves for its way back: one bit for
// each value, whether it passed. They take a 32nd of the memory of the values
// that they stand for, and of the time to read them.
//
// Row r of the signs of [rows, c] begins at word r*signRow(c); its channel ch
// is bit ch%16 of word ch/16. The bits after the last channel have no meaning.

// signRow is how many words a row of c signs takes: one for 16 channels.
func signRow(c int) int { return (c + 15) / 16 }

// SignWords returns how many words the signs of [rows, c] take.
func SignWords(rows, c int) int { return rows * signRow(c) }

// ScaleShiftReLU is ScaleShift with ReLU that also writes signs, SignWords(rows,
// c) words: which values of y [rows, c] are above 0. residual may be nil, y may
// be x or residual.
func ScaleShiftReLU(x, scale, shift, residual, y []float32, signs []uint16, rows, c int) {
	const op = "ScaleShiftReLU"
	need(op, "x", len(x), rows*c)
	need(op, "y", len(y), rows*c)
	need(op, "signs", len(signs), SignWords(rows, c))
	need(op, "scale", len(scale), c)
	need(op, "shift", len(shift), c)
	needOptional(op, "residual", residual, rows*c)
	type args struct {
		x, scale, shift, residual, y []float32
		signs                        []uint16
		c                            int
		nonTemporal                  bool
	}
	a := args{x, scale, shift, residual, y, signs, c, storesNonTemporal(rowTable.Active().NonTemporalFloats, len(y), y, c, x, residual)}
	forRows(rows, c, a, func(a *args, lo, hi int) {
		c := a.c
		x, r, y, s := a.x[lo*c:hi*c], rowsOf(a.residual, lo, hi, c), a.y[lo*c:hi*c], signsOf(a.signs, lo, hi, c)
		scaleShiftSigns(x, a.scale, a.shift, r, y, s, hi-lo, c, a.nonTemporal)
	})
}

// signsOf returns rows [lo,hi) of the signs of [rows, c], nil when s is.
func signsOf(s []uint16, lo, hi, c int) []uint16 {
	if s == nil {
		return nil
	}
	return s[lo*signRow(c) : hi*signRow(c)]
}

// signsGo writes the signs of y [rows, c].
func signsGo(y []float32, signs []uint16, rows, c int) {
	clear(signs)
	for r := range rows {
		s := signs[r*signRow(c):]
		for ch, v := range y[r*c : (r+1)*c] {
			if v > 0 {
				s[ch/16] |= 1 << (ch % 16)
			}
		}
	}
}

// SignsBackward goes back through the ReLU that left signs: dx = dy where it
// passed and 0 elsewhere. dy and dx are [rows, c]; dx may be dy.
func SignsBackward(dy []float32, signs []uint16, rows, c int, dx []float32) {
	need("SignsBackward", "dy", len(dy), rows*c)
	need("SignsBackward", "dx", len(dx), rows*c)
	need("SignsBackward", "signs", len(signs), SignWords(rows, c))
	type args struct {
		dy, dx []float32
		signs  []uint16
		c      int
	}
	forRows(rows, c, args{dy, dx, signs, c}, func(a *args, lo, hi int) {
		signsGrad(a.dy[lo*a.c:hi*a.c], signsOf(a.signs, lo, hi, a.c), a.dx[lo*a.c:hi*a.c], hi-lo, a.c)
	})
}

// signsGradGo is SignsBackward for one piece.
func signsGradGo(dy []float32, signs []uint16, dx []float32, rows, c int) {
	for r := range rows {
		s := signs[r*signRow(c):]
		for ch := range c {
			dx[r*c+ch] = ifPositive(float32(s[ch/16]>>(ch%16)&1), dy[r*c+ch])
		}
	}
}
