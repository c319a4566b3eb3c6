package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/mem"
)

// Storing non-temporally changes no bit and writes nowhere else.
func TestStoresNonTemporal(t *testing.T) {
	type op func(x, y, z, out, res []float32, p [][]float32, rows, c int)
	pool := func(rows, c int) NormMaxPool {
		return NormMaxPool{Pool{N: 1, H: rows / 4, W: 4, C: c, K: 3, Stride: 2, Pad: 1}}
	}
	for _, tc := range []struct {
		name string
		run  op
	}{
		{"scale shift", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{})
		}},
		{"scale shift relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{Activation: RectifiedUnit})
		}},
		{"scale shift add", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{Residual: y})
		}},
		{"scale shift add relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{Residual: y, Activation: RectifiedUnit})
		}},
		{"scale shift add relu with a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{Residual: y, Activation: RectifiedUnit, Mask: make([]uint16, MaskWords(rows, c))})
		}},
		{"scale shift relu with a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, Epilogue{Activation: RectifiedUnit, Mask: make([]uint16, MaskWords(rows, c))})
		}},
		{"grad, residual", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4]}.Grad(z, x, out, res)
		}},
		{"grad relu, residual", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Words: maskOf(y, rows, c)}}.Grad(z, x, out, res)
		}},
		{"grad relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Words: maskOf(y, rows, c)}}.Grad(z, x, out, nil)
		}},
		{"relu backward, split", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			n := rows / 2 * c
			g := ReLUGrad{X: y, Parts: []GradPart{{C: c, DZ: out[:n], DBias: p[0]}, {C: c, DZ: res[:n], DBias: p[1]}}}
			g.Backward(x, rows/2)
		}},
		{"relu backward, split without a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			n := rows / 2 * c
			g := ReLUGrad{Parts: []GradPart{{C: c, DZ: out[:n]}, {C: c, DZ: res[:n]}}}
			g.Backward(x, rows/2)
		}},
		{"max pool backward", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			q := pool(rows, c)
			oh, ow := q.Out()
			arg := make([]uint8, oh*ow*c)
			q.Forward(x, p[0], p[1], res[:len(arg)], make([]float32, len(arg)), arg)
			Pool{N: 1, H: rows / 4, W: 4, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Backward(z[:len(arg)], arg, InputGrad{DX: out})
		}},
		{"stem backward", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			q := pool(rows, c)
			oh, ow := q.Out()
			arg := make([]uint8, oh*ow*c)
			q.Forward(x, p[0], p[1], res[:len(arg)], make([]float32, len(arg)), arg)
			q.Grad(z[:len(arg)], arg, x, out, BatchNorm{Mean: p[2], InvStd: p[3], Gamma: p[4], DGamma: p[5], DBeta: p[6]})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			eachSet(t, func(t *testing.T) {
				for _, s := range []shape{{2, 16}, {14, 48}, {70, 64}, {6, 160}} {
					n := 4 * s.rows * s.c
					run := func(from int) [][]float32 {
						defer storeAllFrom(from)()
						a := newArena(t, 4, 0)
						aligned := func(v []float32) []float32 {
							b := mem.Floats(n + 32)
							for i := range b {
								b[i] = guardWord
							}
							copy(b[16:], v)
							return b
						}
						out := aligned(a.zeros(n))
						res := aligned(a.normal(n, 0, 1))
						var p [][]float32
						for range 8 {
							p = append(p, a.normal(s.c, 0, 1))
						}
						tc.run(a.normal(n, 0, 1), a.normal(n, 0, 1), a.normal(n, 0, 1), out[16:16+n], res[16:16+n], p, 4*s.rows, s.c)
						return [][]float32{out, res}
					}
					want, got := run(math.MaxInt), run(0)
					for k := range want {
						for i := range want[k] {
							if math.Float32bits(got[k][i]) != math.Float32bits(want[k][i]) {
								t.Fatalf("%v, slice %d: %v at %d stored non-temporally, %v otherwise", s, k, got[k][i], i-16, want[k][i])
							}
						}
						for _, g := range [][]float32{got[k][:16], got[k][16+n:]} {
							for i, v := range g {
								if v != guardWord {
									t.Fatalf("%v, slice %d: wrote outside it, near %d", s, k, i)
								}
							}
						}
					}
				}
			})
		})
	}
}

func ExampleNormMaxPool() {
	p := NormMaxPool{Pool{N: 1, H: 4, W: 4, C: 1, K: 2, Stride: 2}}
	x := []float32{
		1, 2, -1, -2,
		3, 4, -3, -4,
		0, 0, 5, 0,
		0, 0, 0, 0,
	}
	y, top, argmax := make([]float32, 4), make([]float32, 4), make([]uint8, 4)
	p.Forward(x, []float32{2}, []float32{-1}, y, top, argmax)
	fmt.Println(y, top, argmax)
	// Output: [7 0 0 9] [4 0 0 5] [3 255 255 0]
}
