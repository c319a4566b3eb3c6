package pool

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// Storing non-temporally changes no bit and writes nowhere else.
func TestStoresNonTemporal(t *testing.T) {
	type op func(x, y, z, out, res []float32, p [][]float32, rows, c int)
	pool := func(rows, c int) NormMax {
		return NormMax{Max{N: 1, H: rows / 4, W: 4, C: c, K: 3, Stride: 2, Pad: 1}}
	}
	for _, tc := range []struct {
		name string
		run  op
	}{
		{"scale shift", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{})
		}},
		{"scale shift relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{Activation: elementwise.ReLU})
		}},
		{"scale shift add", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{Residual: y})
		}},
		{"scale shift add relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{Residual: y, Activation: elementwise.ReLU})
		}},
		{"scale shift add relu with a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{Residual: y, Activation: elementwise.ReLU, Mask: make([]uint16, norm.MaskWords(rows, c))})
		}},
		{"scale shift relu with a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(x, out, elementwise.Epilogue{Activation: elementwise.ReLU, Mask: make([]uint16, norm.MaskWords(rows, c))})
		}},
		{"grad, residual", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4]}.Grad(z, x, out, res)
		}},
		{"grad relu, residual", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: norm.Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Grad(z, x, out, res)
		}},
		{"grad relu", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			norm.BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: norm.Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Grad(z, x, out, nil)
		}},
		{"relu backward, split", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			n := rows / 2 * c
			g := elementwise.ReLUGrad{X: y, Parts: []elementwise.GradPart{{C: c, DZ: out[:n], DBias: p[0]}, {C: c, DZ: res[:n], DBias: p[1]}}}
			g.Backward(x, rows/2)
		}},
		{"relu backward, split without a mask", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			n := rows / 2 * c
			g := elementwise.ReLUGrad{Parts: []elementwise.GradPart{{C: c, DZ: out[:n]}, {C: c, DZ: res[:n]}}}
			g.Backward(x, rows/2)
		}},
		{"max pool backward", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			q := pool(rows, c)
			oh, ow := q.Out()
			arg := make([]uint8, oh*ow*c)
			q.Forward(x, p[0], p[1], res[:len(arg)], make([]float32, len(arg)), arg)
			Max{N: 1, H: rows / 4, W: 4, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Backward(z[:len(arg)], arg, elementwise.InputGrad{DX: out})
		}},
		{"stem backward", func(x, y, z, out, res []float32, p [][]float32, rows, c int) {
			q := pool(rows, c)
			oh, ow := q.Out()
			arg := make([]uint8, oh*ow*c)
			q.Forward(x, p[0], p[1], res[:len(arg)], make([]float32, len(arg)), arg)
			q.Grad(z[:len(arg)], arg, x, out, norm.BatchNorm{Mean: p[2], InvStd: p[3], Gamma: p[4], DGamma: p[5], DBeta: p[6]})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				for _, s := range []kerneltest.Shape{{Rows: 2, C: 16}, {Rows: 14, C: 48}, {Rows: 70, C: 64}, {Rows: 6, C: 160}} {
					n := 4 * s.Rows * s.C
					run := func(from int) [][]float32 {
						defer kerneltest.StoreFrom(from, &elementwise.Table.Active().NonTemporalFloats, &norm.Table.Active().NonTemporalFloats, &table.Active().NonTemporalFloats)()
						a := kerneltest.NewArena(t, 4, 0)
						aligned := func(v []float32) []float32 {
							b := mem.Floats(n + 32)
							for i := range b {
								b[i] = kerneltest.GuardWord
							}
							copy(b[16:], v)
							return b
						}
						out := aligned(a.Zeros(n))
						res := aligned(a.Normal(n, 0, 1))
						var p [][]float32
						for range 8 {
							p = append(p, a.Normal(s.C, 0, 1))
						}
						tc.run(a.Normal(n, 0, 1), a.Normal(n, 0, 1), a.Normal(n, 0, 1), out[16:16+n], res[16:16+n], p, 4*s.Rows, s.C)
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
								if v != kerneltest.GuardWord {
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

func ExampleNormMax() {
	p := NormMax{Max{N: 1, H: 4, W: 4, C: 1, K: 2, Stride: 2}}
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
