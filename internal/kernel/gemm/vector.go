package gemm

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// VectorPanels is how many panels of B kernels of form V go through at once.
const VectorPanels = 4

// VectorArgs is the product of one row with panels of B, form V: C[p·NR+j] = sum over i of X[i]·B[p][i][j]. A tile of
// one row would spend most of its time on rows that are not there, and reads one panel at a time, while memory gives more to who asks in several
// places. Every sum goes through k as those of the other forms do, to the same bits. The assembly is
// generated with the offsets of its fields: after a change, run go generate in asm.
type VectorArgs struct {
	K      int      // steps, at least 1
	X      *float32 // the row
	B      *float32 // the first panel
	BStep  int      // floats from a panel to the next
	C      *float32 // NR sums for each panel
	Panels int
}

// FormV runs the kernel of form V.
func FormV(g *VectorArgs) { Table.Active().V(isa.Arg(g)) }

// gemmVGo is the portable kernel of form V for any tile width nrTile that is a multiple of 4.
func gemmVGo(nrTile int, g *VectorArgs) {
	x := unsafe.Slice(g.X, g.K)
	for p := range g.Panels {
		b := unsafe.Slice(at(g.B, p*g.BStep), g.K*nrTile)
		c := unsafe.Slice(at(g.C, p*nrTile), nrTile)
		for j := 0; j < nrTile; j += 4 {
			var s0, s1, s2, s3 float32
			for i, v := range x {
				w := (*[4]float32)(b[i*nrTile+j:])
				s0 += float32(v * w[0])
				s1 += float32(v * w[1])
				s2 += float32(v * w[2])
				s3 += float32(v * w[3])
			}
			*(*[4]float32)(c[j:]) = [4]float32{s0, s1, s2, s3}
		}
	}
}
