package norm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// This file holds batch normalization's backward half. It takes two passes,
// as the gradient of every value needs sums over the whole channel:
// Reduce makes the sums, Grad the gradient. Both undo the fused ReLU and
// residual add of ScaleShift too.
//
// With g = dy where the op's output is positive (dy itself without ReLU) and
// xhat = (x-mean)*invstd:
//
//	dbeta  = sum over rows of g
//	dgamma = sum over rows of g*xhat
//	dx     = gamma*invstd*(g - dbeta/rows - xhat*dgamma/rows)   (batch statistics)
//	dx     = gamma*invstd*g                                     (running statistics)
//	dres   = g

// BatchNorm is the backward pass over [Rows, C].
type BatchNorm struct {
	Rows, C      int
	Mean, InvStd []float32 // [C], what the forward pass normalized with: the mean, and 1/standard deviation
	Gamma        []float32 // [C]; nil means ones
	DGamma       []float32 // [C], the gradient of Gamma: Reduce overwrites it, Grad reads it
	DBeta        []float32 // [C], that of what is added at the end, likewise
	Passed       Mask      // of the ReLU that the forward pass ended in

	// Running says that Mean and InvStd are running statistics, constants, in
	// place of those of x. Grad then reads neither Mean, DGamma and DBeta nor x,
	// which may all be nil.
	Running bool
}

// Reduce computes DGamma and DBeta from dy and x [Rows, C], the gradient of the
// op's output and the op's input.
func (b BatchNorm) Reduce(dy, x []float32) { b.ReduceAs("norm.BatchNorm.Reduce", dy, x) }

// ReduceAs is Reduce for the operation of that name, which panics have.
func (b *BatchNorm) ReduceAs(op string, dy, x []float32) {
	rows, c := b.Rows, b.C
	ground.Need(op, "dy", len(dy), rows*c)
	ground.Need(op, "x", len(x), rows*c)
	ground.Need(op, "Mean", len(b.Mean), c)
	ground.Need(op, "InvStd", len(b.InvStd), c)
	ground.Need(op, "DGamma", len(b.DGamma), c)
	ground.Need(op, "DBeta", len(b.DBeta), c)
	b.Passed.check(op, rows, c)
	type args struct {
		dy, x, mean []float32
		mask        Mask
		c           int
		sums        rowwise.Sums
	}
	a := args{dy, x, b.Mean, b.Passed, c, rowwise.NewSums(rows, c, 2)}
	rowwise.For(rows, c, a, func(a *args, lo, hi int) {
		c, m, sums := a.c, a.mask.rows(lo, hi, a.c), a.sums.At(lo)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		bnReduce(d, x, a.mean, m, hi-lo, c, sums[:c], sums[c:])
	})
	a.sums.Merge(b.DBeta, b.DGamma)
	for i := range b.DGamma {
		b.DGamma[i] *= b.InvStd[i]
	}
}

// rowsOf returns rows [lo,hi) of s [rows, c], nil when s is.
func rowsOf(s []float32, lo, hi, c int) []float32 {
	if s == nil {
		return nil
	}
	return s[lo*c : hi*c]
}

// bnReduceGo adds the sums of g and of g*(x-mean) to sumG [c] and sumGX [c].
func bnReduceGo(dy, x, mean []float32, m Mask, rows, c int, sumG, sumGX []float32) {
	for r := range rows {
		for ch := range c {
			i := r*c + ch
			g := rowwise.IfPositive(m.sign(r, ch, c, x[i]), dy[i])
			sumG[ch] += g
			sumGX[ch] += float32(g * (x[i] - mean[ch]))
		}
	}
}

// Grad computes dx [Rows, C] from dy and x as Reduce takes them, after Reduce.
// dres, unless nil, receives the residual's gradient g. dx may be dy or x, dres
// may be dy; dx and dres must differ.
func (b BatchNorm) Grad(dy, x, dx, dres []float32) {
	const op = "norm.BatchNorm.Grad"
	rows, c := b.Rows, b.C
	ground.Need(op, "dy", len(dy), rows*c)
	ground.Need(op, "dx", len(dx), rows*c)
	ground.NeedOptional(op, "dres", dres, rows*c)
	ground.Need(op, "InvStd", len(b.InvStd), c)
	ground.NeedOptional(op, "Gamma", b.Gamma, c)
	b.Passed.check(op, rows, c)
	if rows <= 0 || c <= 0 {
		return
	}
	buf := ground.GetScratch(3 * c)
	defer ground.PutScratch(buf)
	k := NewCoefficients(buf, b.Mean, b.InvStd, b.Gamma)
	type args struct {
		dy, x       []float32
		mask        Mask
		k           Coefficients
		c           int
		dx, dres    []float32
		nonTemporal bool
	}
	a := args{dy, x, b.Passed, k, c, dx, dres, false}
	if b.Running {
		if b.Passed.Scale != nil {
			panic(op + ": with running statistics x is not read, so that Passed has to be Words")
		}
		rowwise.For(rows, c, a, func(a *args, lo, hi int) {
			c := a.c
			bnGradFixed(a.dy[lo*c:hi*c], maskOfRows(a.mask.Words, lo, hi, c), a.k.A, hi-lo, c, a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c))
		})
		return
	}
	ground.Need(op, "x", len(x), rows*c)
	ground.Need(op, "Mean", len(b.Mean), c)
	ground.Need(op, "DGamma", len(b.DGamma), c)
	ground.Need(op, "DBeta", len(b.DBeta), c)
	k.Train(b.InvStd, b.DGamma, b.DBeta, rows)
	a.nonTemporal = ground.StoresNonTemporal(Table.Active().NonTemporalFloats, len(dx), dx, c, dy, x)
	rowwise.For(rows, c, a, func(a *args, lo, hi int) {
		c, m := a.c, a.mask.rows(lo, hi, a.c)
		d, x := a.dy[lo*c:hi*c], a.x[lo*c:hi*c]
		dx, dres := a.dx[lo*c:hi*c], rowsOf(a.dres, lo, hi, c)
		bnGrad(d, x, m, a.k, hi-lo, c, dx, dres, a.nonTemporal)
	})
}

// Coefficients are the channel's constants in dx = a*g + b*(x-mean) + d.
type Coefficients struct{ Mean, A, B, D []float32 }

// NewCoefficients makes the coefficients in buf, three floats per channel:
// a = gamma*invstd, gamma nil meaning ones.
func NewCoefficients(buf, mean, invstd, gamma []float32) Coefficients {
	c := len(invstd)
	k := Coefficients{Mean: mean, A: buf[:c], B: buf[c : 2*c], D: buf[2*c : 3*c]}
	copy(k.A, invstd)
	for i, g := range gamma {
		k.A[i] *= g
	}
	return k
}

// Train sets what batch statistics over rows values add: b and d.
func (k *Coefficients) Train(invstd, dgamma, dbeta []float32, rows int) {
	for i, a := range k.A {
		k.B[i] = float32(-float64(a) * float64(invstd[i]) * float64(dgamma[i]) / float64(rows))
		k.D[i] = float32(-float64(a) * float64(dbeta[i]) / float64(rows))
	}
}

// Grad computes dx = A*dy + (B*(x-Mean) + D) for the channels of one row, in plain
// Go. dx may be dy or x.
func (k *Coefficients) Grad(dy, x, dx []float32) { bnGradGo(dy, x, Mask{}, *k, 1, len(x), dx, nil) }

// bnGradGo is the gradient of one piece, rows of c channels, in plain Go: dx =
// A*g + (B*(x-Mean) + D) and, unless it is nil, dres = g, the part of dy that m
// lets pass.
func bnGradGo(dy, x []float32, m Mask, k Coefficients, rows, c int, dx, dres []float32) {
	for r := range rows {
		for ch := range c {
			i := r*c + ch
			g := rowwise.IfPositive(m.sign(r, ch, c, x[i]), dy[i])
			if dres != nil {
				dres[i] = g
			}
			dx[i] = float32(k.A[ch]*g) + (float32(k.B[ch]*(x[i]-k.Mean[ch])) + k.D[ch])
		}
	}
}

// bnGradFixed is one piece of Grad with running statistics. It is
// rare in training, so it is made of simpler kernels on small blocks.
func bnGradFixed(dy []float32, mask []uint16, a []float32, rows, c int, dx, dres []float32) {
	step := max(1, 2048/c)
	zero := ground.GetScratch(c)
	defer ground.PutScratch(zero)
	clear(zero)
	for r := 0; r < rows; r += step {
		end := min(rows, r+step)
		lo, hi := r*c, end*c
		g := dx[lo:hi]
		if mask != nil {
			maskGrad(dy[lo:hi], maskOfRows(mask, r, end, c), g, end-r, c)
		} else {
			copy(g, dy[lo:hi])
		}
		if dres != nil {
			copy(dres[lo:hi], g)
		}
		scaleShift(g, a, zero, nil, g, end-r, c, false, false)
	}
}
