package pool

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// The maximum pool after ResNet's first convolution, at batch 32.
func BenchmarkMaxPool(b *testing.B) {
	const n, h, c = 32, 112, 64
	x, y := kerneltest.BenchSlices(1, n*h*h*c)[0], kerneltest.BenchSlices(1, n*h*h*c/4)[0]
	arg := make([]uint8, len(y))
	for _, l := range isa.Available() {
		b.Run(fmt.Sprintf("forward/%v", l), func(b *testing.B) {
			defer isa.Use(isa.Use(l))
			b.SetBytes(int64(4*len(x) + 5*len(y)))
			for b.Loop() {
				Max{N: n, H: h, W: h, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Forward(x, y, arg)
			}
		})
		b.Run(fmt.Sprintf("backward/%v", l), func(b *testing.B) {
			defer isa.Use(isa.Use(l))
			b.SetBytes(int64(4*len(x) + 5*len(y)))
			for b.Loop() {
				Max{N: n, H: h, W: h, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Backward(y, arg, elementwise.InputGrad{DX: x})
			}
		})
	}
}
