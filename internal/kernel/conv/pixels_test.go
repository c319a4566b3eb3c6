package conv

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestPixels computes a 1×1 convolution a part at a time, to the bits of the whole.
func TestPixels(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, s := range []struct{ n, in, out int }{{1, 3, 5}, {100, 16, 64}, {90, 40, 120}, {49, 160, 100}, {13, 500, 33}, {20, 1300, 48}} {
			for _, act := range []elementwise.Activation{elementwise.Identity, elementwise.ReLU, elementwise.Hardswish} {
				for _, withBias := range []bool{false, true} {
					t.Run(fmt.Sprintf("%+v %v bias %v", s, act, withBias), func(t *testing.T) {
						a := kerneltest.NewArena(t, 1, 0)
						x, w := a.Normal(s.n*s.in, 0, 1), a.Normal(s.in*s.out, 0, 1)
						var bias []float32
						if withBias {
							bias = a.Normal(s.out, 0, 1)
						}
						p := Pack(mem.Floats, Conv{C: s.in, K: s.out, KH: 1, KW: 1, Stride: 1}, w, bias)
						want, got := a.Zeros(s.n*s.out), a.Zeros(s.n*(s.out+3))
						p.Forward(1, 1, s.n, x, want, elementwise.Epilogue{Activation: act})
						pixels := p.Pixels(x, act)
						if n, c := pixels.Len(); n != s.n || c != s.out {
							t.Fatalf("%d pixels of %d channels, want %d of %d", n, c, s.n, s.out)
						}
						ld := s.out + 3
						for p0 := 0; p0 < s.n; p0 += 31 {
							p1 := min(s.n, p0+31)
							for ch := 0; ch < s.out; ch += 2 * gemm.TileCols() {
								pixels.Compute(p0, p1, ch, min(2*gemm.TileCols(), s.out-ch), got[p0*ld+ch:], ld)
							}
						}
						a.Check()
						for i := range s.n {
							if !slices.Equal(got[i*ld:][:s.out], want[i*s.out:][:s.out]) {
								t.Fatalf("pixel %d is %v, want %v", i, got[i*ld:][:s.out], want[i*s.out:][:s.out])
							}
							if !slices.Equal(got[i*ld+s.out:][:3], []float32{0, 0, 0}) {
								t.Fatalf("wrote behind the channels of pixel %d", i)
							}
						}
					})
				}
			}
		}
	})
}

// TestPixelsRows computes rows of a map into blocks of channels, to the bits of the whole.
func TestPixelsRows(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		nr, mr := gemm.TileCols(), gemm.TileRows()
		for _, in := range []int{3, 16, 40, 100, 500} {
			for _, width := range []int{1, 3, 7, mr / 2, mr, 2*mr + mr/2, 5*mr - 1} {
				const rows, out = 5, 100
				t.Run(fmt.Sprintf("%d channels, rows of %d", in, width), func(t *testing.T) {
					a := kerneltest.NewArena(t, 1, 0)
					pitch := width + 2
					all := rows * pitch
					x, w, bias := a.Normal(all*in, 0, 1), a.Normal(in*out, 0, 1), a.Normal(out, 0, 1)
					p := Pack(mem.Floats, Conv{C: in, K: out, KH: 1, KW: 1, Stride: 1}, w, bias)
					want := a.Zeros(all * out)
					p.Forward(1, rows, pitch, x, want, elementwise.Epilogue{Activation: elementwise.Hardswish})
					g := p.Pixels(x, elementwise.Hardswish)
					for first := range 3 { // the last ends with the map
						for ch := 0; ch < out; ch += 2 * nr {
							n := min(2*nr, out-ch)
							rowStep, blocks := width*nr+5, (n+nr-1)/nr
							blockStep := rows * rowStep
							got := a.Zeros(blocks * blockStep)
							g.ComputeRows(first, rows, width, pitch, ch, n, got, rowStep, blockStep)
							for i := range rows * width * n {
								r, q, c := i/n/width, i/n%width, i%n
								v := got[c/nr*blockStep+r*rowStep+q*nr+c%nr]
								if w := want[(first+r*pitch+q)*out+ch+c]; v != w {
									t.Fatalf("row %d, pixel %d, channel %d is %v, want %v", r, q, ch+c, v, w)
								}
							}
						}
					}
					a.Check()
				})
			}
		}
	})
}

func TestPixelsRefuses(t *testing.T) {
	one, three := Conv{C: 4, K: 40, KH: 1, KW: 1, Stride: 1}, Conv{C: 4, K: 40, KH: 3, KW: 3, Stride: 1}
	p, q := Pack(mem.Floats, one, make([]float32, 160), nil), Pack(mem.Floats, three, make([]float32, 9*160), nil)
	x, y := make([]float32, 40), make([]float32, 400)
	g := p.Pixels(x, elementwise.Identity)
	for name, f := range map[string]func(){
		"windows of 3×3":         func() { q.Pixels(x, elementwise.Identity) },
		"a part of a pixel":      func() { p.Pixels(x[:39], elementwise.Identity) },
		"from a tile's middle":   func() { g.Compute(0, 10, 1, 8, y, 40) },
		"more channels":          func() { g.Compute(0, 10, 0, 41, y, 41) },
		"more pixels":            func() { g.Compute(0, 11, 0, 8, y, 8) },
		"pixels over each other": func() { g.Compute(0, 10, 0, 8, y, 7) },
		"little room":            func() { g.Compute(0, 10, 0, 40, y[:399], 40) },
		"rows over each other":   func() { g.ComputeRows(0, 2, 5, 4, 0, 8, y, 160, 400) },
		"rows past the end":      func() { g.ComputeRows(1, 2, 5, 5, 0, 8, y, 160, 400) },
		"little room for rows":   func() { g.ComputeRows(0, 2, 5, 5, 0, 40, y[:300], 160, 310) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
