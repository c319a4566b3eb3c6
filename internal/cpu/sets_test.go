package cpu

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// eachSet runs f as a subtest with every instruction set that this build has
// kernels for. One that the processor lacks is skipped, and told.
func eachSet(t *testing.T, f func(t *testing.T)) {
	for _, s := range isa.InBuild() {
		t.Run(s.String(), func(t *testing.T) {
			if !s.Available() {
				t.Skipf("this processor does not have %s: its kernels are not tested here", s)
			}
			defer isa.Use(isa.Use(s))
			f(t)
		})
	}
}

// withEachSet runs f with every instruction set that is here, for fuzzing and
// benchmarks.
func withEachSet(f func(s *isa.Set)) {
	for _, s := range isa.Available() {
		func() {
			defer isa.Use(isa.Use(s))
			f(s)
		}()
	}
}

// storeAllFrom makes the kernels in use take non-temporal stores from n floats
// on, until the function that it returns is called.
func storeAllFrom(n int) (restore func()) {
	var olds []func()
	for _, p := range []*int{
		&gemmTable.Active().NonTemporalFloats, &winoTable.Active().NonTemporalFloats,
		&rowTable.Active().NonTemporalFloats, &windowTable.Active().NonTemporalFloats,
	} {
		old := *p
		olds = append(olds, func() { *p = old })
		*p = n
	}
	return func() {
		for _, f := range olds {
			f()
		}
	}
}

// TestTiles checks what the packed layouts and the portable kernels ask of a
// set's register tile.
func TestTiles(t *testing.T) {
	for _, s := range isa.InBuild() {
		k := gemmTable.Of(s)
		if k.MR == 0 && k.MRT == 0 && k.NR == 0 {
			continue // those of plain Go
		}
		if k.MR < 2 || k.MR%2 != 0 || k.MR > maxTileRows || k.MRT < 2 || k.MRT%2 != 0 || panelT%k.MRT != 0 || k.NR < 4 || k.NR%4 != 0 || k.NR > maxTileCols {
			t.Errorf("%s: tile of %d (form T %d) rows and %d columns; want even rows, at most %d, of which those of form T divide %d, and a multiple of 4 columns, at most %d",
				s, k.MR, k.MRT, k.NR, maxTileRows, panelT, maxTileCols)
		}
	}
}

// TestNewSet begins an instruction set that has nothing but a register tile of
// its own: everything is then done by the portable kernels on that tile.
func TestNewSet(t *testing.T) {
	for _, tile := range []gemmKernels{{MR: 8, MRT: 8, NR: 12}, {MR: 12, MRT: 4, NR: 8}, {MR: 4, MRT: 2, NR: 20}} {
		func() {
			k := gemmTable.Active()
			defer func(old gemmKernels) { *k = old }(*k)
			generic := gemmTable.Of(isa.Generic)
			*k = tile
			k.N, k.T, k.D, k.CopyBlocks, k.Transpose8, k.NonTemporalFloats =
				generic.N, generic.T, generic.D, generic.CopyBlocks, generic.Transpose8, generic.NonTemporalFloats
			w := winoTable.Active()
			defer func(old winoKernels) { *w = old }(*w)
			*w = winoTable.Of(isa.Generic)
			for _, winograd := range []bool{false, true} {
				defer SetWinograd(SetWinograd(winograd))
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
