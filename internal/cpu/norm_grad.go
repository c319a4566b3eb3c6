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

// BatchNormReduce computes dgamma [c] and dbeta [c], overwriting them. dy and x
// are [rows, c]: the gradient of the op's output, and the op's input. signs are
// what ScaleShiftReLU left, or nil when the op did not end in ReLU; mean and
// invstd [c] are what the forward pass normalized with.
func BatchNormReduce(dy []float32, signs []uint16, x, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	needSigns("BatchNormReduce", signs, rows, c)
	batchNormReduce("BatchNormReduce", dy, x, mask{signs: signs}, mean, invstd, rows, c, dgamma, dbeta)
}

// BatchNormReLUReduce is BatchNormReduce for ScaleShift(x, scale, shift, nil,
// y, rows, c, true): without a residual the sign of y follows from x, so
// neither y nor its signs need be read, nor kept.
func BatchNormReLUReduce(dy, x, scale, shift, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	need("BatchNormReLUReduce", "scale", len(scale), c)
	need("BatchNormReLUReduce", "shift", len(shift), c)
	batchNormReduce("BatchNormReLUReduce", dy, x, mask{scale: scale, shift: shift}, mean, invstd, rows, c, dgamma, dbeta)
}

func batchNormReduce(op string, dy, x []float32, of mask, mean, invstd []float32, rows, c int, dgamma, dbeta []float32) {
	need(op, "dy", len(dy), rows*c)
	need(op, "x", len(x), rows*c)
	needOptional(op, "y", of.y, rows*c)
	need(op, "mean", len(mean), c)
	need(op, "invstd", len(invstd), c)
	need(op, "dgamma", len(dgamma), c)
	need(op, "dbeta", len(dbeta), c)
	type args struct {
		dy, x, mean []float32
		mask        mask
		c           int
		sums        rowSums
	}
	a := args{dy, x, mean, of, c, newRowSums(rows, c, 2)}
	forRows(rows, c, a, func(a *args, lo, hi int) {
		c, m, sums := a.c, a.mask.rows(lo, hi, a.c), a.sums.at(lo)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		bnReduce(d, x, a.mean, m, hi-lo, c, sums[:c], sums[c:])
	})
	a.sums.merge(dbeta, dgamma)
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

// mask says where a ReLU passed: where y is positive; or where signs has a bit;
// or where x*scale+shift is positive; or everywhere, when all are nil.
type mask struct {
	y            []float32
	signs        []uint16
	scale, shift []float32
}

// rows is the mask of rows [lo,hi) of c channels.
func (m mask) rows(lo, hi, c int) mask {
	return mask{rowsOf(m.y, lo, hi, c), signsOf(m.signs, lo, hi, c), m.scale, m.shift}
}

// sign is positive where row r, channel ch of a piece of c channels, of input
// x, passed.
func (m *mask) sign(r, ch, c int, x float32) float32 {
	switch {
	case m.y != nil:
		return m.y[r*c+ch]
	case m.signs != nil:
		return float32(m.signs[r*signRow(c)+ch/16] >> (ch % 16) & 1)
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
			g := ifPositive(m.sign(r, ch, c, x[i]), dy[i])
			sumG[ch] += g
			sumGX[ch] += g * (x[i] - mean[ch])
		}
	}
}

// BatchNormGrad computes dx [rows, c] from dy, signs, x, mean and invstd as
// BatchNormReduce takes them, gamma [c] (nil means ones), and that function's
// dgamma and dbeta. dres, unless nil, receives the residual's gradient g. train
// tells batch statistics from running ones; with running ones x, mean, dgamma
// and dbeta are not read and may be nil. dx may be dy or x, dres may be dy; dx
// and dres must differ.
func BatchNormGrad(dy []float32, signs []uint16, x, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, train bool, dx, dres []float32) {
	needSigns("BatchNormGrad", signs, rows, c)
	batchNormGrad("BatchNormGrad", dy, x, mask{signs: signs}, mean, invstd, gamma, dgamma, dbeta, rows, c, train, dx, dres)
}

// BatchNormReLUGrad is BatchNormGrad with batch statistics for
// ScaleShift(x, scale, shift, nil, y, rows, c, true): the sign of y is taken
// from x. dx may be dy.
func BatchNormReLUGrad(dy, x, scale, shift, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, dx []float32) {
	need("BatchNormReLUGrad", "scale", len(scale), c)
	need("BatchNormReLUGrad", "shift", len(shift), c)
	batchNormGrad("BatchNormReLUGrad", dy, x, mask{scale: scale, shift: shift}, mean, invstd, gamma, dgamma, dbeta, rows, c, true, dx, nil)
}

func batchNormGrad(op string, dy, x []float32, of mask, mean, invstd, gamma, dgamma, dbeta []float32, rows, c int, train bool, dx, dres []float32) {
	need(op, "dy", len(dy), rows*c)
	need(op, "dx", len(dx), rows*c)
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
		dy, x       []float32
		mask        mask
		k           bnCoefficients
		c           int
		dx, dres    []float32
		nonTemporal bool
	}
	a := args{dy, x, of, k, c, dx, dres, false}
	if !train {
		forRows(rows, c, a, func(a *args, lo, hi int) {
			c := a.c
			bnGradFixed(a.dy[lo*c:hi*c], signsOf(a.mask.signs, lo, hi, c), a.k.a, hi-lo, c, a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c))
		})
		return
	}
	need(op, "x", len(x), rows*c)
	need(op, "mean", len(mean), c)
	need(op, "dgamma", len(dgamma), c)
	need(op, "dbeta", len(dbeta), c)
	k.train(invstd, dgamma, dbeta, rows)
	a.nonTemporal = storesNonTemporal(rowTable.Active().NonTemporalFloats, len(dx), dx, c, dy, x)
	forRows(rows, c, a, func(a *args, lo, hi int) {
		c, m := a.c, a.mask.rows(lo, hi, a.c)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		dx, dres := a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c)
		bnGrad(d, x, m, a.k, hi-lo, c, dx, dres, a.nonTemporal)
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

func bnGradGo(dy, x []float32, m mask, k bnCoefficients, rows, c int, dx, dres []float32) {
	for r := range rows {
		for ch := range c {
			i := r*c + ch
			g := ifPositive(m.sign(r, ch, c, x[i]), dy[i])
			if dres != nil {
				dres[i] = g
			}
			dx[i] = k.a[ch]*g + (k.b[ch]*(x[i]-k.mean[ch]) + k.d[ch])
		}
	}
}

// bnGradFixed is one piece of BatchNormGrad with running statistics. It is
// rare in training, so it is made of simpler kernels on small blocks.
func bnGradFixed(dy []float32, signs []uint16, a []float32, rows, c int, dx, dres []float32) {
	step := max(1, 2048/c)
	zero := getScratch(c)
	defer putScratch(zero)
	clear(zero)
	for r := 0; r < rows; r += step {
		end := min(rows, r+step)
		lo, hi := r*c, end*c
		g := dx[lo:hi]
		if signs != nil {
			signsGrad(dy[lo:hi], signsOf(signs, r, end, c), g, end-r, c)
		} else {
			copy(g, dy[lo:hi])
		}
		if dres != nil {
			copy(dres[lo:hi], g)
		}
		scaleShift(g, a, zero, nil, g, end-r, c, false, false)
	}
}
