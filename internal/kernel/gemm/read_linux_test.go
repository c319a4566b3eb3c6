package gemm

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestFormTReadsNoMore puts A where the memory ends: a kernel of form T that read more
// rows of the last step than it may would end the test.
func TestFormTReadsNoMore(t *testing.T) {
	size := syscall.Getpagesize()
	pages, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(pages)
	if err := syscall.Mprotect(pages[2*size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	memory := unsafe.Slice((*float32)(unsafe.Pointer(&pages[0])), 2*size/4)
	kerneltest.EachSet(t, func(t *testing.T) {
		mr, nr := TileRowsT(), TileCols()
		for rows := 1; rows <= mr; rows++ {
			for k := 1; k <= 9; k++ {
				read := (rows + RowsRead - 1) / RowsRead * RowsRead
				a := memory[len(memory)-k*read:]
				for i := range a {
					a[i] = float32(i%7 - 3)
				}
				b, c := kerneltest.Randoms(1, k*nr), make([]float32, mr*nr)
				FormT(&Args{K: k, A: &a[0], B: &b[0], C: &c[0], LDC: nr, MR: rows, NR: nr, AStride: read, BStride: nr})
				for r := range rows {
					for j := range nr {
						want := 0.0
						for p := range k {
							want += float64(a[p*read+r]) * float64(b[p*nr+j])
						}
						if d := want - float64(c[r*nr+j]); d > 1e-4 || d < -1e-4 {
							t.Fatalf("%d rows, %d steps: C[%d][%d] is %g, want %g", rows, k, r, j, c[r*nr+j], want)
						}
					}
				}
			}
		}
	})
}
