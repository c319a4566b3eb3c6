package cpu

// This file holds batch normalization's backward half. It takes two passes,
// as the gradient of every value needs sums over the whole channel:
// BatchNormReduce makes the sums, BatchNormGrad the gradient. Both undo the
// fused ReLU and residual add of ScaleShift on the way.
//
// With g = dy where the op's output is positive (dy itself without ReLU) and
// xhat = (x-mean)*invstd:
//
//	dbeta  = sum over rows of g
//	dgamma = sum over rows of g*xhat
//	dx     = gamma*invstd*(g - dbeta/rows - xhat*dgamma/rows)   (batch statistics)
//	dx     = gamma*invstd*g                                     (running statistics)
//	dres   = g

// BatchNormReduce computes dgamma [c] and dbeta [c], overwriting them. dy, y
// and x are [rows, c]: the gradient of the op's output, that output when the op
// ended in ReLU (else nil), and the op's input; mean and invstd [c] are what
// the forward pass normalized with.
func BatchNormReduce(dy, y, x, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	batchNormReduce("BatchNormReduce", dy, y, x, nil, nil, mean, invstd, rows, c, dgamma, dbeta)
}

// BatchNormReLUReduce is BatchNormReduce for ScaleShift(x, scale, shift, nil,
// y, rows, c, true): without a residual the sign of y follows from x, so y
// need not be read, nor kept.
func BatchNormReLUReduce(dy, x, scale, shift, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	need("BatchNormReLUReduce", "scale", len(scale), c)
	need("BatchNormReLUReduce", "shift", len(shift), c)
	batchNormReduce("BatchNormReLUReduce", dy, nil, x, scale, shift, mean, invstd, rows, c, dgamma, dbeta)
}

func batchNormReduce(op string, dy, y, x, scale, shift, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	need(op, "dy", len(dy), rows*c)
	need(op, "x", len(x), rows*c)
	needOptional(op, "y", y, rows*c)
	need(op, "mean", len(mean), c)
	need(op, "invstd", len(invstd), c)
	need(op, "dgamma", len(dgamma), c)
	need(op, "dbeta", len(dbeta), c)
	type args struct {
		dy, x, mean []float32
		mask        mask
		c           int
	}
	a := args{dy, x, mean, mask{y, scale, shift}, c}
	reduceRows(rows, c, dbeta, dgamma, a, func(a *args, lo, hi int, sums []float32) {
		c, m := a.c, a.mask.rows(lo, hi, a.c)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		if !bnReduceVec(d, x, a.mean, m, hi-lo, c, sums[:c], sums[c:]) {
			bnReduceGo(d, x, a.mean, m, hi-lo, c, sums[:c], sums[c:])
		}
	})
	for i := range dgamma {
		dgamma[i] *= invstd[i]
	}
}

// rowsOf returns rows [lo,hi) of s [rows, c], nil when s is.
func rowsOf(s []float32, lo, hi, c int) []float32 {
	if s == nil {
		return nil
	}
	return s[lo*c : hi*c]
}

// mask says where a ReLU passed: where y is positive; or, y being nil, where
// x*scale+shift is; or everywhere, when scale is nil too.
type mask struct{ y, scale, shift []float32 }

// rows is the mask of rows [lo,hi) of c channels.
func (m mask) rows(lo, hi, c int) mask { return mask{rowsOf(m.y, lo, hi, c), m.scale, m.shift} }

// sign is positive where element i of a piece, of channel ch and input x, passed.
func (m *mask) sign(i, ch int, x float32) float32 {
	switch {
	case m.y != nil:
		return m.y[i]
	case m.scale != nil:
		return float32(x*m.scale[ch]) + m.shift[ch] // as scaleShiftGo has it
	}
	return 1
}

// bnReduceGo adds the sums of g and of g*(x-mean) to sumG [c] and sumGX [c].
func bnReduceGo(dy, x, mean []float32, m mask, rows, c int, sumG, sumGX []float32) {
	for r := range rows {
		for ch := range c {
			i := r*c + ch
			g := ifPositive(m.sign(i, ch, x[i]), dy[i])
			sumG[ch] += g
			sumGX[ch] += g * (x[i] - mean[ch])
		}
	}
}

// BatchNormGrad computes dx [rows, c] from dy, y, x, mean and invstd as
// BatchNormReduce takes them, gamma [c] (nil means ones), and that function's
// dgamma and dbeta. dres, unless nil, receives the residual's gradient g, or is
// added to when accumulateRes. train tells batch statistics from running ones;
// with running ones x, mean, dgamma and dbeta are not read and may be nil.
// dx may be dy or x, dres may be dy; dx and dres must differ.
func BatchNormGrad(dy, y, x, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, train bool, dx, dres []float32, accumulateRes bool) {
	batchNormGrad("BatchNormGrad", dy, y, x, nil, nil, mean, invstd, gamma, dgamma, dbeta, rows, c, train, dx, dres, accumulateRes)
}

// BatchNormReLUGrad is BatchNormGrad with batch statistics for
// ScaleShift(x, scale, shift, nil, y, rows, c, true): the sign of y is taken
// from x, so y need not be read, nor kept. dx may be dy.
func BatchNormReLUGrad(dy, x, scale, shift, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, dx []float32) {
	need("BatchNormReLUGrad", "scale", len(scale), c)
	need("BatchNormReLUGrad", "shift", len(shift), c)
	batchNormGrad("BatchNormReLUGrad", dy, nil, x, scale, shift, mean, invstd, gamma, dgamma, dbeta, rows, c, true, dx, nil, false)
}

func batchNormGrad(op string, dy, y, x, scale, shift, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, train bool, dx, dres []float32, accumulateRes bool) {
	need(op, "dy", len(dy), rows*c)
	need(op, "dx", len(dx), rows*c)
	needOptional(op, "y", y, rows*c)
	needOptional(op, "dres", dres, rows*c)
	need(op, "invstd", len(invstd), c)
	needOptional(op, "gamma", gamma, c)
	if rows <= 0 || c <= 0 {
		return
	}
	buf := getScratch(3 * c)
	defer putScratch(buf)
	k := newBNCoefficients(buf, mean, invstd, gamma)
	type args struct {
		dy, x            []float32
		mask             mask
		k                bnCoefficients
		c                int
		dx, dres         []float32
		accumulate, past bool
	}
	a := args{dy, x, mask{y, scale, shift}, k, c, dx, dres, accumulateRes, false}
	if !train {
		forRows(rows, c, a, func(a *args, lo, hi int) {
			c := a.c
			bnGradFixed(a.dy[lo*c:hi*c], a.mask.rows(lo, hi, c), a.k.a, hi-lo, c, a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c), a.accumulate)
		})
		return
	}
	need(op, "x", len(x), rows*c)
	need(op, "mean", len(mean), c)
	need(op, "dgamma", len(dgamma), c)
	need(op, "dbeta", len(dbeta), c)
	k.train(invstd, dgamma, dbeta, rows)
	a.past = storesPast(dx, c, dy, x, y)
	forRows(rows, c, a, func(a *args, lo, hi int) {
		c, m := a.c, a.mask.rows(lo, hi, a.c)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		dx, dres := a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c)
		if !bnGradVec(d, x, m, a.k, hi-lo, c, dx, dres, a.accumulate, a.past) {
			bnGradGo(d, x, m, a.k, hi-lo, c, dx, dres, a.accumulate)
		}
	})
}

// bnCoefficients are the channel's constants in dx = a*g + b*(x-mean) + d.
type bnCoefficients struct{ mean, a, b, d []float32 }

// newBNCoefficients makes the coefficients in buf, three floats per channel:
// a = gamma*invstd, gamma nil meaning ones.
func newBNCoefficients(buf, mean, invstd, gamma []float32) bnCoefficients {
	c := len(invstd)
	k := bnCoefficients{mean: mean, a: buf[:c], b: buf[c : 2*c], d: buf[2*c : 3*c]}
	copy(k.a, invstd)
	for i, g := range gamma {
		k.a[i] *= g
	}
	return k
}

// train sets what batch statistics over rows values add: b and d.
func (k *bnCoefficients) train(invstd, dgamma, dbeta []float32, rows int) {
	for i, a := range k.a {
		k.b[i] = float32(-float64(a) * float64(invstd[i]) * float64(dgamma[i]) / float64(rows))
		k.d[i] = float32(-float64(a) * float64(dbeta[i]) / float64(rows))
	}
}

func bnGradGo(dy, x []float32, m mask, k bnCoefficients, rows, c int, dx, dres []float32, accumulate bool) {
	for r := range rows {
		for ch := range c {
			i := r*c + ch
			g := ifPositive(m.sign(i, ch, x[i]), dy[i])
			if dres != nil {
				if accumulate {
					dres[i] += g
				} else {
					dres[i] = g
				}
			}
			dx[i] = k.a[ch]*g + (k.b[ch]*(x[i]-k.mean[ch]) + k.d[ch])
		}
	}
}

// bnGradFixed is one piece of BatchNormGrad with running statistics. It is
// rare in training, so it is made of simpler kernels on small blocks.
func bnGradFixed(dy []float32, m mask, a []float32, rows, c int, dx, dres []float32, accumulate bool) {
	step := max(1, 2048/c)
	zero := getScratch(c)
	defer putScratch(zero)
	clear(zero)
	for r := 0; r < rows; r += step {
		lo, hi := r*c, min(rows, r+step)*c
		g := dx[lo:hi]
		if m.y != nil {
			reluGrad(dy[lo:hi], m.y[lo:hi], hi-lo, g, 1, hi-lo, false)
		} else {
			copy(g, dy[lo:hi])
		}
		switch {
		case dres != nil && accumulate:
			add(dres[lo:hi], g, dres[lo:hi])
		case dres != nil:
			copy(dres[lo:hi], g)
		}
		scaleShiftRows(g, a, zero, nil, g, (hi-lo)/c, c, false, false)
	}
}
