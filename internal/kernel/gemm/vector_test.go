package gemm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/rng"
)

// vectorCase compares form V with a tile of one row, bit for bit, and with its Go twin.
func vectorCase(t testing.TB, k, panels, gap int, seed uint64, exact bool) {
	t.Helper()
	nr, blocks := TileCols(), ground.CeilDiv(k, KBlock)
	step := blocks*KBlock*nr + gap
	s := rng.New(seed)
	fill := func(v []float32) {
		for i := range v {
			if v[i] = float32(s.Normal()); exact {
				v[i] = float32(s.IntN(9) - 4)
			}
		}
	}
	a := make([]float32, blocks*KBlock*TileRows()) // of which the first row is x, in blocks
	x, check := kerneltest.Guarded(t, "x", k)
	fill(x)
	for i, v := range x {
		a[i/KBlock*KBlock*TileRows()+i%KBlock] = v
	}
	b := make([]float32, panels*step)
	fill(b)
	got, check2 := kerneltest.Guarded(t, "sums", panels*nr)
	FormV(&VectorArgs{K: k, X: &x[0], B: &b[0], BStep: step, C: &got[0], Panels: panels})
	check()
	check2()
	want, twin := make([]float32, nr), make([]float32, panels*nr)
	gemmVGo(nr, &VectorArgs{K: k, X: &x[0], B: &b[0], BStep: step, C: &twin[0], Panels: panels})
	for p := range panels {
		FormN(&Args{K: blocks, A: &a[0], B: &b[p*step], C: &want[0], LDC: nr, MR: 1, NR: nr})
		for j, w := range want {
			if v := got[p*nr+j]; v != w || exact && v != twin[p*nr+j] {
				t.Fatalf("%s, %d steps, %d panels: sum %d of panel %d is %g, of form N %g, of the twin %g", isa.Active(), k, panels, j, p, v, w, twin[p*nr+j])
			}
		}
	}
}

func TestVectorKernel(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for panels := 1; panels <= 2*VectorPanels+3; panels++ {
			for _, k := range []int{1, 2, 15, 16, 33, 240} {
				vectorCase(t, k, panels, 0, uint64(k), false)
				vectorCase(t, k, panels, 16*panels, uint64(k), true)
			}
		}
	})
}

func FuzzVectorKernel(f *testing.F) {
	f.Add(uint16(960), uint8(7), uint8(0), uint64(1))
	f.Fuzz(func(t *testing.T, k uint16, panels, gap uint8, seed uint64) {
		kerneltest.WithEachSet(func(*isa.Set) {
			vectorCase(t, 1+int(k%2000), 1+int(panels%12), int(gap), seed, seed%2 == 0)
		})
	})
}
