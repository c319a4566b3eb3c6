package cpu

import (
	"fmt"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds pooling over the whole map, as heads use it:
// torch.nn.AdaptiveAvgPool2d(1) and AdaptiveMaxPool2d(1), forward and backward.

// globalPool is one of these operations under way: x [n,hw,c] and y [n,c] are
// the map and the pooled values, or their gradients.
type globalPool struct {
	hw, c      int
	x, y       []float32
	argmax     []int32
	accumulate bool
}

// picture returns picture i of x and of y.
func (a *globalPool) picture(i int) (x, y []float32) {
	in := a.hw * a.c
	return a.x[i*in : (i+1)*in], a.y[i*a.c : (i+1)*a.c]
}

// GlobalAvgPool computes y [n,c], the mean of each channel of x [n,hw,c].
func GlobalAvgPool(n, hw, c int, x, y []float32) {
	need("GlobalAvgPool", "x", len(x), n*hw*c)
	need("GlobalAvgPool", "y", len(y), n*c)
	parallel.ForWith(n, globalPool{hw: hw, c: c, x: x, y: y}, func(a *globalPool, i int) {
		x, out := a.picture(i)
		clear(out)
		sumRows(x, a.hw, a.c, out)
		inv := 1 / float32(a.hw)
		for ch := range out {
			out[ch] *= inv
		}
	})
}

// GlobalAvgPoolBackward computes dx [n,hw,c] = dy/hw, dy [n,c], or adds that to
// dx when accumulate.
func GlobalAvgPoolBackward(n, hw, c int, dy, dx []float32, accumulate bool) {
	need("GlobalAvgPoolBackward", "dy", len(dy), n*c)
	need("GlobalAvgPoolBackward", "dx", len(dx), n*hw*c)
	parallel.ForWith(n, globalPool{hw: hw, c: c, x: dx, y: dy, accumulate: accumulate}, func(a *globalPool, i int) {
		hw, c := a.hw, a.c
		dx, dy := a.picture(i)
		mean := getScratch(c)
		defer putScratch(mean)
		inv := 1 / float32(hw)
		for ch, g := range dy {
			mean[ch] = g * inv
		}
		if !a.accumulate {
			clear(dx)
		}
		addBias(dx, mean, dx, hw, c)
	})
}

// GlobalMaxPool computes y [n,c], the maximum of each channel of x [n,hw,c],
// and in argmax [n,c], unless that is nil, its position in [0,hw), the first if
// there are several. A NaN gives NaN. hw is at least 1.
func GlobalMaxPool(n, hw, c int, x, y []float32, argmax []int32) {
	need("GlobalMaxPool", "x", len(x), n*hw*c)
	need("GlobalMaxPool", "y", len(y), n*c)
	if hw < 1 && n*c > 0 {
		panic(fmt.Sprintf("cpu.GlobalMaxPool: maps of %d pixels have no maximum", hw))
	}
	if c == 0 {
		return
	}
	if argmax != nil {
		need("GlobalMaxPool", "argmax", len(argmax), n*c)
	}
	parallel.ForWith(n, globalPool{hw: hw, c: c, x: x, y: y, argmax: argmax}, func(a *globalPool, i int) {
		var arg []int32
		if a.argmax != nil {
			arg = a.argmax[i*a.c : (i+1)*a.c]
		}
		x, y := a.picture(i)
		globalMax(x, a.hw, a.c, y, arg)
	})
}

// globalMax is GlobalMaxPool for one picture. Maps of up to 256 pixels are a
// pooling window of one row, whose positions fit a byte.
func globalMax(x []float32, hw, c int, y []float32, arg []int32) {
	win := maxWindow{x: x, rows: 1, cols: hw, rowStride: hw * c, c: c}
	if arg == nil {
		win.max(y, nil, false)
		return
	}
	if hw <= 256 {
		buf := getScratch((c + 3) / 4)
		defer putScratch(buf)
		at := unsafe.Slice((*uint8)(unsafe.Pointer(&buf[0])), c)
		win.max(y, at, false)
		for ch, p := range at {
			arg[ch] = int32(p)
		}
		return
	}
	clear(arg)
	copy(y, x[:c])
	for p := range hw {
		for ch, v := range x[p*c : (p+1)*c] {
			if v > y[ch] || v != v {
				y[ch] = v
				arg[ch] = int32(p)
			}
		}
	}
}

// GlobalMaxPoolBackward computes dx [n,hw,c]: dy [n,c] at each channel's argmax
// [n,c], 0 elsewhere; or adds that to dx when accumulate.
func GlobalMaxPoolBackward(n, hw, c int, dy []float32, argmax []int32, dx []float32, accumulate bool) {
	need("GlobalMaxPoolBackward", "dy", len(dy), n*c)
	need("GlobalMaxPoolBackward", "argmax", len(argmax), n*c)
	need("GlobalMaxPoolBackward", "dx", len(dx), n*hw*c)
	parallel.ForWith(n, globalPool{hw: hw, c: c, x: dx, y: dy, argmax: argmax, accumulate: accumulate}, func(a *globalPool, i int) {
		dx, dy := a.picture(i)
		if !a.accumulate {
			clear(dx)
		}
		for ch, g := range dy {
			dx[int(a.argmax[i*a.c+ch])*a.c+ch] += g
		}
	})
}
