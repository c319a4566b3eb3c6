package winograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/rng"
)

// winoKernelCase is one call of a transform: n blocks at the given distances
// (all in floats, and all odd so that nothing is aligned).
type winoKernelCase struct {
	n, step, row, col int // the grid of elements: steps, rows, columns
	stride            int // between xi
	seed              uint64
}

// winoResults runs every transform of the set in use and returns what it
// wrote, by name. Each writes between NaN guards.
func winoResults(t *testing.T, k winoKernelCase) map[string][]float32 {
	grid := max((k.n-1)*k.step+5*k.row+5*k.col, (winoLanes-1)*k.row+(k.n-1)*winoLanes) + winoLanes
	xis := (k.n-1)*winoLanes + (winoPoints-1)*k.stride + winoLanes
	taps := (k.n-1)*winoLanes + 8*k.stride + winoLanes
	out := map[string][]float32{}
	run := func(name string, size int, f func(dst []float32)) {
		t.Helper()
		dst, check := kerneltest.NanGuarded(t, name, size)
		f(dst)
		check()
		out[name] = dst
	}
	src := kerneltest.Normals(k.seed, grid, 1)
	for s := range winoShape(winoShapes) {
		run(fmt.Sprintf("input %dx%d", s.rows(), s.cols()), xis, func(dst []float32) {
			winoInput(s, k.n, src, k.step, k.row, k.col, dst, winoLanes, k.stride)
		})
		run(fmt.Sprintf("grad %dx%d", s.rows(), s.cols()), xis, func(dst []float32) {
			winoGrad(s, k.n, src, k.step, k.row, k.col, dst, winoLanes, k.stride)
		})
	}
	run("filter", xis, func(dst []float32) {
		winoFilter(k.n, kerneltest.Normals(k.seed, taps, 1), winoLanes, k.stride, dst, winoLanes, k.stride)
	})
	domain := kerneltest.Normals(k.seed, xis, 1)
	run("filter gradient", taps, func(dst []float32) {
		winoFilterGrad(k.n, domain, winoLanes, k.stride, dst, winoLanes, k.stride)
	})
	turned := (k.n*winoLanes-1)*k.stride + winoLanes
	run("transpose", turned, func(dst []float32) {
		winoTranspose(k.n, src, k.row, dst, k.stride)
	})
	// The output's blocks are 16 channels apart.
	bias, res := kerneltest.Normals(k.seed+1, k.n*winoLanes, 1), kerneltest.Normals(k.seed+2, k.n*winoLanes+5*k.row+5*k.col, 1)
	for mask := range 8 {
		var b, r []float32
		if mask&1 != 0 {
			b = bias
		}
		if mask&2 != 0 {
			r = res
		}
		n := min(k.n, gemm.MaxTileCols/winoLanes)
		for s := range winoShape(winoShapes) {
			run(fmt.Sprintf("output %dx%d/epilogue %03b", s.rows(), s.cols(), mask), n*winoLanes+3*k.row+3*k.col, func(dst []float32) {
				winoOutput(s, n, domain, winoLanes, k.stride, dst, k.row, k.col, b, r, k.row, k.col, mask&4 != 0, false)
			})
		}
	}
	return out
}

// checkWinoKernels compares every set with the Go twins. The assembly fuses
// multiplications with additions, so the last bits differ.
func checkWinoKernels(t *testing.T, k winoKernelCase) {
	defer isa.Use(isa.Use(isa.Generic))
	want := winoResults(t, k)
	for _, l := range isa.Available() {
		isa.Use(l)
		for name, got := range winoResults(t, k) {
			for i, w := range want[name] {
				g := got[i]
				if g != g && w != w { // written by neither
					continue
				}
				if d := math.Abs(float64(g - w)); !(d <= 2e-5*(1+math.Abs(float64(w)))) {
					t.Fatalf("%s, %s, %+v: element %d is %v, the Go twin has %v", l, name, k, i, g, w)
				}
			}
		}
	}
}

func TestWinogradKernels(t *testing.T) {
	for _, k := range []winoKernelCase{
		{n: 1, step: 16, row: 96, col: 16, stride: 16},
		{n: 3, step: 17, row: 401, col: 61, stride: 53},
		{n: 8, step: 16, row: 128 * 9, col: 128, stride: 144},
	} {
		checkWinoKernels(t, k)
	}
}

func FuzzWinogradKernels(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(0), uint8(0), uint8(0))
	f.Add(uint64(2), uint8(4), uint8(3), uint8(7), uint8(90))
	f.Fuzz(func(t *testing.T, seed uint64, n, a, b, c uint8) {
		k := winoKernelCase{n: 1 + int(n%5), step: 16 + int(a%8), seed: seed}
		k.col = k.n*k.step + int(b)
		k.row = 6*k.col + int(c)
		k.stride = k.n*winoLanes + int(c)
		checkWinoKernels(t, k)
	})
}

// TestWinogradIdentity checks the mathematics of the twins themselves in
// exact terms: the transforms of a filter and a tile give the direct sums, and
// the gradient transforms are the adjoints of the forward ones.
func TestWinogradIdentity(t *testing.T) {
	r := rng.New(7)
	var d [6][6]float64
	var g [3][3]float64
	for i := range d {
		for j := range d[i] {
			d[i][j] = r.Normal()
		}
	}
	for i := range g {
		for j := range g[i] {
			g[i][j] = r.Normal()
		}
	}
	flt := make([]float32, 9*winoLanes)
	for i := range 9 {
		flt[i*winoLanes] = float32(g[i/3][i%3])
	}
	u := make([]float32, 36*winoLanes)
	winoFilterGo(1, flt, 0, winoLanes, u, 0, winoLanes)
	for s := range winoShape(winoShapes) {
		src, v := make([]float32, 36*winoLanes), make([]float32, 36*winoLanes)
		for i := range 36 {
			src[i*winoLanes] = float32(d[i/6][i%6])
		}
		winoInputGo(s, 1, src, 0, 6*winoLanes, winoLanes, v, 0, winoLanes)
		for i := range v {
			v[i] *= u[i]
		}
		y := make([]float32, 16*winoLanes)
		winoOutputGo(s, 1, v, 0, winoLanes, y, 4*winoLanes, winoLanes, nil, nil, 0, 0, false)
		for i := range s.rows() {
			for j := range s.cols() {
				var want float64
				for a := range 3 {
					for b := range 3 {
						want += d[i+a][j+b] * g[a][b]
					}
				}
				if got := float64(y[(4*i+j)*winoLanes]); math.Abs(got-want) > 1e-4 {
					t.Errorf("%dx%d: y[%d][%d] = %v, the direct sum is %v", s.rows(), s.cols(), i, j, got, want)
				}
			}
		}
	}
}
