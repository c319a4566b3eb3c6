package gemm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// TestTiles checks what the packed layouts and the portable kernels ask of a
// set's register tile.
func TestTiles(t *testing.T) {
	for _, s := range isa.InBuild() {
		k := Table.Of(s)
		if k.MR == 0 && k.MRT == 0 && k.NR == 0 {
			continue // those of plain Go
		}
		if k.MR < 2 || k.MR%2 != 0 || k.MR > MaxTileRows || k.MRT < 2 || k.MRT%2 != 0 || k.NR < 4 || k.NR%4 != 0 || k.NR > MaxTileCols {
			t.Errorf("%s: tile of %d (form T %d) rows and %d columns; want even rows, at most %d, and a multiple of 4 columns, at most %d",
				s, k.MR, k.MRT, k.NR, MaxTileRows, MaxTileCols)
		}
	}
}
