package conv

import (
	"math"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestWinogradErrorOfActivations compares the error with that of the direct
// sum on what a network computes: sources that have passed a ReLU, so that
// their mean is far from zero, and filters of He's magnitude. Winograd's error
// is about four times the direct sum's.
func TestWinogradErrorOfActivations(t *testing.T) {
	for _, c := range []Conv{
		{N: 1, H: 28, W: 28, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 1, H: 14, W: 14, C: 256, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 9, H: 7, W: 7, C: 128, K: 32, KH: 3, KW: 3, Stride: 1, Pad: 1},
	} {
		x, w, dy := winoOperands(c)
		for i, v := range x {
			x[i] = max(0, v)
		}
		want := newRefConv(c, x, w, dy)
		got := make([]float32, len(dy))
		grad := make([]float32, len(w))
		winogradPlain(c, x, w, got)
		winograd.BackwardWeights(ground.ConvShape(c), x, dy, grad)
		e, eg := kerneltest.RelL2(got, want.y), kerneltest.RelL2(grad, want.dw)
		old := winograd.Allow(false)
		convForward(c, x, w, got)
		winograd.Allow(old)
		directBackwardWeights(c, x, dy, grad)
		d, dg := kerneltest.RelL2(got, want.y), kerneltest.RelL2(grad, want.dw)
		t.Logf("%dx%d, %d channels: forward %.1e (direct %.1e), weight gradient %.1e (direct %.1e)", c.H, c.W, c.C, e, d, eg, dg)
		if !(e <= 5e-6 && eg <= 5e-6) {
			t.Errorf("%+v: relative L2 error %.2e forward, %.2e in the weight gradient, want at most 5e-6", c, e, eg)
		}
	}
}

// TestWinogradScratch fills the kernels' workspace with NaN: no pass may read
// what it has not written.
func TestWinogradScratch(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range []Conv{
			{N: 9, H: 7, W: 7, C: 40, K: 56, KH: 3, KW: 3, Stride: 1, Pad: 1},
			{N: 2, H: 10, W: 9, C: 144, K: 129, KH: 3, KW: 3, Stride: 1, Pad: 1},
		} {
			x, w, dy := winoOperands(c)
			run := func() [][]float32 {
				out := [][]float32{make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))}
				winogradPlain(c, x, w, out[0])
				winograd.BackwardData(ground.ConvShape(c), dy, w, out[1], false)
				winograd.BackwardWeights(ground.ConvShape(c), x, dy, out[2])
				return out
			}
			want := run()
			mem.Clobber.Store(true) // from here on, what is given back is NaN
			defer mem.Clobber.Store(false)
			run()
			for pass, got := range run() {
				for i, v := range got {
					if v != want[pass][i] {
						t.Fatalf("pass %d of %+v: element %d is %v, it was %v before the workspace was spoiled", pass, c, i, v, want[pass][i])
					}
				}
			}
		}
	})
}

// TestWinogradPackedShared uses one packed layer from several goroutines, from
// its first use on, and in place of its own residual.
func TestWinogradPackedShared(t *testing.T) {
	for _, c := range []Conv{
		{N: 2, H: 12, W: 12, C: 32, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 2, H: 14, W: 14, C: 144, K: 160, KH: 3, KW: 3, Stride: 1, Pad: 1},
	} {
		x, w, res := winoOperands(c)
		want := make([]float32, len(res))
		Pack(mem.Floats, c, w, nil).Forward(c.N, c.H, c.W, x, want, elementwise.Epilogue{Residual: res, Activation: act(true), Stride: c.K})
		p := Pack(mem.Floats, c, w, nil)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				y := append([]float32(nil), res...)
				p.Forward(c.N, c.H, c.W, x, y, elementwise.Epilogue{Residual: y, Activation: act(true), Stride: c.K})
				for i, v := range y {
					if v != want[i] {
						t.Errorf("%+v: element %d is %v, want %v", c, i, v, want[i])
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestWinogradSteady checks that a pass that has run before allocates no
// workspace again.
func TestWinogradSteady(t *testing.T) {
	defer parallel.SetThreads(parallel.SetThreads(1)) // with more, how many buffers are in use at once is chance
	for _, c := range []Conv{
		{N: 2, H: 20, W: 20, C: 32, K: 48, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 9, H: 14, W: 14, C: 144, K: 160, KH: 3, KW: 3, Stride: 1, Pad: 1},
	} {
		x, w, dy := winoOperands(c)
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		run := func() {
			winogradPlain(c, x, w, y)
			winograd.BackwardData(ground.ConvShape(c), dy, w, dx, false)
			winograd.BackwardWeights(ground.ConvShape(c), x, dy, dw)
		}
		run()
		before := ground.Scratch.Bytes()
		run()
		if after := ground.Scratch.Bytes(); after != before {
			t.Errorf("%+v: the workspace grew from %d to %d bytes in the second step", c, before, after)
		}
	}
}

// FuzzWinogradConv compares the three passes with the direct sum on shapes of
// all kinds.
func FuzzWinogradConv(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(1), uint8(1), uint8(1), uint8(1), uint8(1))
	f.Add(uint64(2), uint8(9), uint8(7), uint8(7), uint8(33), uint8(20), uint8(1))
	f.Add(uint64(3), uint8(2), uint8(13), uint8(6), uint8(130), uint8(127), uint8(0))
	f.Add(uint64(4), uint8(12), uint8(3), uint8(9), uint8(16), uint8(65), uint8(2))
	f.Add(uint64(12), uint8(0xED), uint8(0), uint8(0), uint8(0), uint8(0), uint8(1)) // ten terms that cancel
	f.Fuzz(func(t *testing.T, seed uint64, n, h, w, ch, k, pad uint8) {
		c := Conv{N: 1 + int(n%12), H: 1 + int(h%18), W: 1 + int(w%18), C: 1 + int(ch%150), K: 1 + int(k%150), KH: 3, KW: 3, Stride: 1, Pad: int(pad % 3)}
		if c.Check() != nil {
			return
		}
		oh, ow := c.Out()
		x, wt, dy := kerneltest.Normals(seed, c.N*c.H*c.W*c.C, 1), kerneltest.Normals(seed+1, 9*c.C*c.K, 1), kerneltest.Normals(seed+2, c.N*oh*ow*c.K, 1)
		for _, p := range []struct {
			name             string
			a, b             []float32
			size             int
			winograd, direct func(a, b, out []float32)
		}{
			{"forward", x, wt, len(dy), func(a, b, o []float32) { winogradPlain(c, a, b, o) }, func(a, b, o []float32) {
				defer winograd.Allow(winograd.Allow(false))
				convForward(c, a, b, o)
			}},
			{"data gradient", dy, wt, len(x), func(a, b, o []float32) { winograd.BackwardData(ground.ConvShape(c), a, b, o, false) }, func(a, b, o []float32) { directBackwardData(c, a, b, o) }},
			{"weight gradient", x, dy, len(wt), func(a, b, o []float32) { winograd.BackwardWeights(ground.ConvShape(c), a, b, o) }, func(a, b, o []float32) { directBackwardWeights(c, a, b, o) }},
		} {
			got, check := kerneltest.NanGuarded(t, p.name, p.size)
			p.winograd(p.a, p.b, got)
			check()
			direct, terms := make([]float32, p.size), make([]float32, p.size)
			p.direct(p.a, p.b, direct)
			// Sums of few terms may cancel nearly; their terms do not.
			p.direct(absolute(p.a), absolute(p.b), terms)
			d, size := make([]float32, p.size), length(direct)
			for i, v := range direct {
				d[i] = got[i] - v
			}
			if e := length(d); !(e <= max(1e-4*size, 2e-6*length(terms))) {
				t.Errorf("%s of %+v: off by %.2e of the direct sums and by %.2e of their terms, want at most 1e-4 or 2e-6", p.name, c, e/size, e/length(terms))
			}
		}
	})
}

// absolute returns the absolute values of s.
func absolute(s []float32) []float32 {
	out := make([]float32, len(s))
	for i, v := range s {
		out[i] = float32(math.Abs(float64(v)))
	}
	return out
}

// length is the root of the sum of squares.
func length(s []float32) float64 {
	sum := 0.0
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
