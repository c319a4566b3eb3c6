package gemm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// checkCopy compares CopyBlocks with every set with its Go twin, in guarded
// memory. The strides leave gaps of the given numbers of floats.
func checkCopy(t *testing.T, rows, blocks, dstGap, srcGap int, byRow, zero, scaled bool) {
	t.Helper()
	// Rows of dst outermost, or blocks outermost, as the two panel forms have it.
	rowStep, blockStep := blocks*KBlock+dstGap, KBlock
	if !byRow {
		rowStep, blockStep = KBlock, rows*KBlock+dstGap
	}
	srcRow := blocks*KBlock + srcGap
	src := kerneltest.Randoms(7, rows*srcRow)
	n := (rows-1)*rowStep + (blocks-1)*blockStep + KBlock
	p := BlockCopy{Src: &src[0], Rows: rows, Blocks: blocks, DstRow: rowStep * 4, DstBlock: blockStep * 4, SrcRow: srcRow * 4}
	if zero {
		p.Src = nil
	}
	if scaled {
		p.Scale = &kerneltest.Randoms(8, blocks*KBlock)[0]
	}
	want, _ := kerneltest.Guarded(t, "copyBlocksGo", n)
	p.Dst = &want[0]
	copyBlocksGo(&p)
	kerneltest.WithEachSet(func(s *isa.Set) {
		got, check := kerneltest.Guarded(t, "copyBlocks", n)
		p.Dst = &got[0]
		CopyBlocks(&p)
		check()
		for i, w := range want {
			if got[i] != w {
				t.Fatalf("%s: %d rows of %d blocks (gaps %d, %d, byRow %v, zero %v, scaled %v): float %d is %g, want %g",
					s, rows, blocks, dstGap, srcGap, byRow, zero, scaled, i, got[i], w)
			}
		}
	})
}

func TestCopyBlocks(t *testing.T) {
	for rows := 1; rows <= 15; rows += 2 {
		for blocks := 1; blocks <= 10; blocks++ {
			for form := range 8 {
				checkCopy(t, rows, blocks, blocks%3*5, rows%4*3, form&1 != 0, form&2 != 0, form&4 != 0)
			}
		}
	}
}

func FuzzCopyBlocks(f *testing.F) {
	f.Add(uint8(14), uint8(36), uint8(0), uint8(0), true, false, true)
	f.Add(uint8(1), uint8(1), uint8(9), uint8(9), false, true, false)
	f.Fuzz(func(t *testing.T, rows, blocks, dstGap, srcGap uint8, byRow, zero, scaled bool) {
		checkCopy(t, 1+int(rows), 1+int(blocks), int(dstGap), int(srcGap), byRow, zero, scaled)
	})
}

func TestPackBPanelT(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		nr := TileCols()
		for _, rows := range []int{1, 7, 8, 9, 16, 127, 128, 130, 264} {
			for n := 1; n <= nr+1; n++ {
				ld := rows + n%3
				src := kerneltest.Randoms(3, (n-1)*ld+rows)
				dst, check := kerneltest.Guarded(t, "packBPanelT", rows*nr)
				PackBPanelT(dst, src, rows, ld, n, nr)
				check()
				for i, v := range dst {
					want := float32(0)
					if j := i % nr; j < n {
						want = src[j*ld+i/nr]
					}
					if v != want {
						t.Fatalf("%d rows, %d columns: step %d, column %d is %g, want %g", rows, n, i/nr, i%nr, v, want)
					}
				}
			}
		}
	})
}
