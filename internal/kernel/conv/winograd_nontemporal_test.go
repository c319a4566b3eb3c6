package conv

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestWinogradNonTemporal checks that results stored non-temporally are the same
// bits.
func TestWinogradNonTemporal(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range []Conv{
			{N: 2, H: 12, W: 13, C: 16, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
			{N: 9, H: 14, W: 14, C: 144, K: 160, KH: 3, KW: 3, Stride: 1, Pad: 1},
		} {
			x, w, _ := winoOperands(c)
			oh, ow := c.Out()
			want, got := mem.Floats(c.N*oh*ow*c.K), mem.Floats(c.N*oh*ow*c.K)
			restore := storeAllFrom(math.MaxInt)
			winogradPlain(c, x, w, want)
			restore()
			restore = storeAllFrom(1)
			winogradPlain(c, x, w, got)
			restore()
			for i, v := range got {
				if v != want[i] {
					t.Fatalf("%+v: element %d is %v stored non-temporally, %v otherwise", c, i, v, want[i])
				}
			}
		}
	})
}
