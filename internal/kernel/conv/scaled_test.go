package conv

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestForwardScaled computes 1×1 convolutions of maps times factors, to the bits of one
// operation after the other.
func TestForwardScaled(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, s := range []struct{ n, h, w, in, out int }{{1, 1, 1, 40, 24}, {3, 5, 7, 16, 16}, {2, 7, 7, 72, 40}, {1, 14, 14, 480, 112}, {5, 3, 2, 33, 65}, {2, 4, 3, 1300, 48}} {
			for _, residual := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v residual %v", s, residual), func(t *testing.T) {
					pixels := s.n * s.h * s.w
					var want []float32
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x, f, w, bias := a.Normal(pixels*s.in, 0, 1), a.Normal(s.n*s.in, 0, 1), a.Normal(s.in*s.out, 0, 1), a.Normal(s.out, 0, 1)
						e := elementwise.Epilogue{Activation: elementwise.Hardswish}
						if residual {
							e.Residual = a.Normal(pixels*s.out, 0, 1)
						}
						p := Pack(mem.Floats, Conv{C: s.in, K: s.out, KH: 1, KW: 1, Stride: 1}, w, bias)
						scaled, y := slices.Clone(x), a.Zeros(pixels*s.out)
						for i := range scaled {
							scaled[i] *= f[i/(s.h*s.w*s.in)*s.in+i%s.in]
						}
						want = make([]float32, len(y))
						p.Forward(s.n, s.h, s.w, scaled, want, e)
						p.ForwardScaled(s.n, s.h, s.w, x, f, y, e)
						return [][]float32{y}
					})
					if !slices.Equal(out[0], want) {
						t.Error("another result than of scaled maps")
					}
				})
			}
		}
	})
}

func TestForwardScaledRefuses(t *testing.T) {
	one, three := Conv{C: 4, K: 8, KH: 1, KW: 1, Stride: 1}, Conv{C: 4, K: 8, KH: 3, KW: 3, Stride: 1, Pad: 1}
	two := one
	two.Stride = 2
	x, y := make([]float32, 64), make([]float32, 128)
	for name, f := range map[string]func(){
		"windows of 3×3": func() {
			Pack(mem.Floats, three, make([]float32, 288), nil).ForwardScaled(1, 4, 4, x, x[:4], y, elementwise.Epilogue{})
		},
		"a stride of 2": func() {
			Pack(mem.Floats, two, make([]float32, 32), nil).ForwardScaled(1, 4, 4, x, x[:4], y, elementwise.Epilogue{})
		},
		"factors of one picture of two": func() {
			Pack(mem.Floats, one, make([]float32, 32), nil).ForwardScaled(2, 4, 2, x, x[:4], y, elementwise.Epilogue{})
		},
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
