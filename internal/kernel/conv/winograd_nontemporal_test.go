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
			{2, 12, 13, 16, 64, 3, 3, 1, 1},
			{9, 14, 14, 144, 160, 3, 3, 1, 1},
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
