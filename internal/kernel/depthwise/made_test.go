package depthwise

import (
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestForwardOf computes what a 1×1 convolution makes as it is read, to the bits of one
// after the other.
func TestForwardOf(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) {
				const in = 24
				pixels := c.N * c.H * c.W
				oh, ow := c.Out()
				var want []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					x, expand, w, bias := a.Normal(pixels*in, 0, 1), a.Normal(in*c.C, 0, 1), a.Normal(c.KH*c.KW*c.C, 0, 1), a.Normal(c.C, 0, 1)
					e := conv.Pack(mem.Floats, conv.Conv{C: in, K: c.C, KH: 1, KW: 1, Stride: 1}, expand, bias)
					p := Pack(mem.Floats, c.KH, c.KW, c.C, w, bias)
					between, y := a.Zeros(pixels*c.C), a.Zeros(c.N*oh*ow*c.C)
					want = make([]float32, len(y))
					e.Forward(c.N, c.H, c.W, x, between, elementwise.Epilogue{Activation: elementwise.Hardswish})
					p.Forward(c, between, want, elementwise.ReLU)
					p.ForwardOf(c, e.Pixels(x, elementwise.Hardswish), y, elementwise.ReLU)
					return [][]float32{y}
				})
				if !slices.Equal(out[0], want) {
					t.Error("another result than with the map in memory")
				}
			})
		}
	})
}

func TestForwardOfRefuses(t *testing.T) {
	c := Conv{N: 1, H: 8, W: 8, C: 4, KH: 3, KW: 3, Stride: 1, Pad: even(1)}
	p := Pack(mem.Floats, 3, 3, 4, make([]float32, 36), nil)
	e := conv.Pack(mem.Floats, conv.Conv{C: 2, K: 4, KH: 1, KW: 1, Stride: 1}, make([]float32, 8), nil)
	wide := conv.Pack(mem.Floats, conv.Conv{C: 2, K: 8, KH: 1, KW: 1, Stride: 1}, make([]float32, 16), nil)
	x, y := make([]float32, 128), make([]float32, 256)
	reflecting := c
	reflecting.Reflect = true
	for name, f := range map[string]func(){
		"fewer pixels":   func() { p.ForwardOf(c, e.Pixels(x[:126], elementwise.Identity), y, elementwise.Identity) },
		"more channels":  func() { p.ForwardOf(c, wide.Pixels(x, elementwise.Identity), y, elementwise.Identity) },
		"a reflection":   func() { p.ForwardOf(reflecting, e.Pixels(x, elementwise.Identity), y, elementwise.Identity) },
		"a short result": func() { p.ForwardOf(c, e.Pixels(x, elementwise.Identity), y[:255], elementwise.Identity) },
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
