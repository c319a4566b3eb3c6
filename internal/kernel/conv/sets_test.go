package conv

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// storeAllFrom makes the kernels in use take non-temporal stores from n floats
// on, until the function that it returns is called.
func storeAllFrom(n int) (restore func()) {
	return kerneltest.StoreFrom(n, &gemm.Table.Active().NonTemporalFloats, &winograd.Table.Active().NonTemporalFloats, &elementwise.Table.Active().NonTemporalFloats)
}

// TestNewSet begins an instruction set that has nothing but a register tile of
// its own: everything is then done by the portable kernels on that tile.
func TestNewSet(t *testing.T) {
	for _, tile := range []gemm.Kernels{{MR: 8, MRT: 8, NR: 12}, {MR: 12, MRT: 4, NR: 8}, {MR: 4, MRT: 2, NR: 20}, {MR: 6, MRT: 10, NR: 16}} {
		func() {
			k := gemm.Table.Active()
			defer func(old gemm.Kernels) { *k = old }(*k)
			generic := gemm.Table.Of(isa.Generic)
			*k = tile
			k.N, k.T, k.D, k.V, k.CopyBlocks, k.Transpose8, k.NonTemporalFloats =
				generic.N, generic.T, generic.D, generic.V, generic.CopyBlocks, generic.Transpose8, generic.NonTemporalFloats
			w := winograd.Table.Active()
			defer func(old winograd.Kernels) { *w = old }(*w)
			*w = winograd.Table.Of(isa.Generic)
			for _, on := range []bool{false, true} {
				defer winograd.Allow(winograd.Allow(on))
				for _, c := range []Conv{
					{N: 2, H: 13, W: 14, C: 17, K: 37, KH: 3, KW: 3, Stride: 1, Pad: 1},
					{N: 1, H: 11, W: 27, C: 3, K: 40, KH: 5, KW: 5, Stride: 2, Pad: 2},
					{N: 1, H: 9, W: 9, C: 64, K: 50, KH: 1, KW: 1, Stride: 1},
					{N: 1, H: 9, W: 8, C: 20, K: 33, KH: 3, KW: 3, Stride: 2, Pad: 1},
				} {
					checkConv(t, c, 1e-4)
				}
			}
		}()
	}
}
