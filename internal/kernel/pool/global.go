package pool

import (
	"fmt"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds pooling over the whole map, as heads use it:
// torch.nn.AdaptiveAvgPool2d(1) and AdaptiveMaxPool2d(1), forward and backward.

// Global is the geometry of pooling over the whole map: x is [N, HW, C], the
// pixels of a map in any order, and y [N, C].
type Global struct{ N, HW, C int }

// globalPool is one of these operations under way: x [n,hw,c] and y [n,c] are
// the map and the pooled values, or their gradients.
type globalPool struct {
	Global
	x, y       []float32
	argmax     []int32
	accumulate bool
}

// picture returns picture i of x and of y.
func (a *globalPool) picture(i int) (x, y []float32) {
	in := a.HW * a.C
	return a.x[i*in : (i+1)*in], a.y[i*a.C : (i+1)*a.C]
}

// Avg computes y [N,C], the mean of each channel of x [N,HW,C].
func (p Global) Avg(x, y []float32) {
	const op = "pool.Global.Avg"
	ground.Need(op, "x", len(x), p.N*p.HW*p.C)
	ground.Need(op, "y", len(y), p.N*p.C)
	parallel.ForWith(p.N, globalPool{Global: p, x: x, y: y}, func(a *globalPool, i int) {
		x, out := a.picture(i)
		clear(out)
		elementwise.SumPiece(x, a.HW, a.C, out)
		inv := 1 / float32(a.HW)
		for ch := range out {
			out[ch] *= inv
		}
	})
}

// AvgBackward computes dx [N,HW,C] = dy/HW, dy [N,C], or adds that to dx when
// accumulate.
func (p Global) AvgBackward(dy, dx []float32, accumulate bool) {
	const op = "pool.Global.AvgBackward"
	ground.Need(op, "dy", len(dy), p.N*p.C)
	ground.Need(op, "dx", len(dx), p.N*p.HW*p.C)
	parallel.ForWith(p.N, globalPool{Global: p, x: dx, y: dy, accumulate: accumulate}, func(a *globalPool, i int) {
		hw, c := a.HW, a.C
		dx, dy := a.picture(i)
		mean := ground.GetScratch(c)
		defer ground.PutScratch(mean)
		inv := 1 / float32(hw)
		for ch, g := range dy {
			mean[ch] = g * inv
		}
		if !a.accumulate {
			clear(dx)
		}
		elementwise.AddBiasPiece(dx, mean, dx, hw, c)
	})
}

// Max computes y [N,C], the maximum of each channel of x [N,HW,C], and in argmax
// [N,C], unless that is nil, its position in [0,HW), the first if there are
// several. A NaN gives NaN. HW is at least 1.
func (p Global) Max(x, y []float32, argmax []int32) {
	const op = "pool.Global.Max"
	ground.Need(op, "x", len(x), p.N*p.HW*p.C)
	ground.Need(op, "y", len(y), p.N*p.C)
	if p.HW < 1 && p.N*p.C > 0 {
		panic(fmt.Sprintf("%s: maps of %d pixels have no maximum", op, p.HW))
	}
	if p.C == 0 {
		return
	}
	if argmax != nil {
		ground.Need(op, "argmax", len(argmax), p.N*p.C)
	}
	parallel.ForWith(p.N, globalPool{Global: p, x: x, y: y, argmax: argmax}, func(a *globalPool, i int) {
		var arg []int32
		if a.argmax != nil {
			arg = a.argmax[i*a.C : (i+1)*a.C]
		}
		x, y := a.picture(i)
		globalMax(x, a.HW, a.C, y, arg)
	})
}

// globalMax is Max for one picture. Maps of up to 256 pixels are a
// pooling window of one row, whose positions fit a byte.
func globalMax(x []float32, hw, c int, y []float32, arg []int32) {
	win := maxWindow{x: x, Rows: 1, cols: hw, rowStride: hw * c, c: c}
	if arg == nil {
		win.max(y, nil, false)
		return
	}
	if hw <= 256 {
		buf := ground.GetScratch((c + 3) / 4)
		defer ground.PutScratch(buf)
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

// MaxBackward computes dx [N,HW,C]: dy [N,C] at each channel's argmax [N,C], 0
// elsewhere; or adds that to dx when accumulate.
func (p Global) MaxBackward(dy []float32, argmax []int32, dx []float32, accumulate bool) {
	const op = "pool.Global.MaxBackward"
	ground.Need(op, "dy", len(dy), p.N*p.C)
	ground.Need(op, "argmax", len(argmax), p.N*p.C)
	ground.Need(op, "dx", len(dx), p.N*p.HW*p.C)
	parallel.ForWith(p.N, globalPool{Global: p, x: dx, y: dy, argmax: argmax, accumulate: accumulate}, func(a *globalPool, i int) {
		dx, dy := a.picture(i)
		if !a.accumulate {
			clear(dx)
		}
		for ch, g := range dy {
			dx[int(a.argmax[i*a.C+ch])*a.C+ch] += g
		}
	})
}
