package layernorm

import "math"

// forwardGo is the portable form of the forward pass.
func forwardGo(p *args) {
	c := p.C
	x, y := floats(p.X, p.Rows*c), floats(p.Y, p.Rows*c)
	w, b := floats(p.Weight, c), floats(p.Bias, c)
	means, rstds := floats(p.Mean, p.Rows), floats(p.Rstd, p.Rows)
	for r := range p.Rows {
		x, y := x[r*c:][:c], y[r*c:][:c]
		var sum, squares float32
		for _, v := range x {
			sum += v
		}
		mean := float32(sum * p.InvC)
		for _, v := range x {
			squares += float32((v - mean) * (v - mean))
		}
		rstd := 1 / float32(math.Sqrt(float64(float32(squares*p.InvC)+p.Eps)))
		for i, v := range x {
			y[i] = float32((v-mean)*rstd*w[i]) + b[i]
		}
		means[r], rstds[r] = mean, rstd
	}
}

// backwardGo is the portable form of the backward pass.
func backwardGo(p *args, add bool) {
	c := p.C
	x, dy, dx := floats(p.X, p.Rows*c), floats(p.Y, p.Rows*c), floats(p.DX, p.Rows*c)
	w, dw, db := floats(p.Weight, c), floats(p.DWeight, c), floats(p.DBias, c)
	means, rstds := floats(p.Mean, p.Rows), floats(p.Rstd, p.Rows)
	for r := range p.Rows {
		x, dy, dx := x[r*c:][:c], dy[r*c:][:c], dx[r*c:][:c]
		mean, rstd := means[r], rstds[r]
		var a, b float32
		for i, v := range x {
			h := (v - mean) * rstd
			g := float32(dy[i] * w[i])
			dw[i] += float32(dy[i] * h)
			db[i] += dy[i]
			a += g
			b += float32(g * h)
		}
		a = float32(a * p.InvC)
		b *= p.InvC
		for i, v := range x {
			h := (v - mean) * rstd
			g := float32(rstd * (float32(dy[i]*w[i]) - a - float32(h*b)))
			if add {
				g += dx[i]
			}
			dx[i] = g
		}
	}
}
