package depthwise

import "unsafe"

// at returns the n floats at float i from p.
func at(p *float32, i, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)), n)
}

// packGo is the Go twin of the kernels that copy pixels to blocks.
func (a *packArgs) packGo() {
	a.each(func(dense, block []float32) { clear(block[copy(block, dense):]) })
}

// unpackGo is the Go twin of the kernels that copy blocks to pixels.
func (a *packArgs) unpackGo() {
	a.each(func(dense, block []float32) { copy(dense, block) })
}

// each calls f for what pixels have of each block, and the block.
func (a *packArgs) each(f func(dense, block []float32)) {
	b := block()
	for p := range a.pixels {
		for ch := 0; ch < a.c; ch += b {
			f(at(a.dense, p*a.stride+ch, min(b, a.c-ch)), at(a.blocks, ch/b*a.blockStep+p*b, b))
		}
	}
}

// windowsGo is the Go twin of the kernels that sum over windows.
func (a *windowArgs) windowsGo() {
	b := block()
	for i := range a.groups * group {
		y := at(a.y, i*a.yStep, a.channels)
		copy(y, at(a.bias, 0, a.channels))
		x, w := i*a.xStep, 0
		for range a.rows {
			for range a.cols {
				xs, ws := at(a.x, x, a.channels), at(a.w, w, a.channels)
				for ch := range y {
					y[ch] += float32(ws[ch] * xs[ch])
				}
				x, w = x+b, w+b
			}
			x += a.xSkip
		}
		for ch, v := range y {
			y[ch] = min(max(v, a.low), a.high)
		}
	}
}

// gradGo is the Go twin of the kernels of the weights' gradient, for so many rows
// and columns of taps and outputs of a group.
func (a *gradArgs) gradGo(tapRows, tapCols, group int) {
	b := block()
	x, y := 0, 0
	for range a.rows {
		for range a.groups * group {
			dy := at(a.dy, y, b)
			for t := range tapRows * tapCols {
				xs, dw := at(a.x, x+t/tapCols*a.xRow+t%tapCols*b, b), at(a.dw, t*b, b)
				for ch := range dw {
					dw[ch] += float32(dy[ch] * xs[ch])
				}
			}
			x, y = x+a.xStep, y+b
		}
		x += a.xSkip
	}
}
