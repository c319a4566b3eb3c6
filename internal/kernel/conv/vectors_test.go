package conv

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestVectors compares products of a few rows, and of whole tiles and a few rows, with the same rows among many, bit for bit.
func TestVectors(t *testing.T) {
	const many = 40
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range []struct{ in, out int }{{1, 1}, {7, 33}, {24, 72}, {240, 129}, {1300, 48}, {2500, 300}} {
			p := Pack(mem.Floats, Conv{C: c.in, K: c.out, KH: 1, KW: 1, Stride: 1}, kerneltest.Normals(1, c.in*c.out, 1), kerneltest.Normals(2, c.out, 1))
			x, residual := kerneltest.Normals(3, many*c.in, 1), kerneltest.Normals(4, many*c.out, 1)
			for _, e := range []elementwise.Epilogue{{}, {Activation: elementwise.ReLU}, {Residual: residual, Activation: elementwise.Hardswish}, {Stride: c.out + 5}} {
				ld := max(e.Stride, c.out)
				want := make([]float32, many*ld)
				p.Forward(many, 1, 1, x, want, e)
				for rows := 1; rows <= 2*gemm.TileRows()+2; rows++ {
					got, check := kerneltest.Guarded(t, "y", (rows-1)*ld+c.out)
					f := e
					if f.Residual != nil {
						f.Residual = residual[:rows*c.out]
					}
					p.Forward(rows, 1, 1, x[:rows*c.in], got, f)
					check()
					for i := range got {
						if i%ld < c.out && got[i] != want[i] {
							t.Fatalf("%s: value %d is %v, %v among more rows", fmt.Sprint(c, e.Activation, rows), i, got[i], want[i])
						}
					}
				}
			}
		}
	})
}
