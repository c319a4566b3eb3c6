// Command pixel generates the AVX2 kernels of internal/kernel/pixel. Their Go twins
// are in internal/kernel/pixel, internal/jpeg and vision.
package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pixel is the package that the kernels belong to.
var pixel *isa.Source

func main() {
	pixel = isa.Open("../pixel")
	pixel.Args("Walk")
	ConstraintExpr("amd64,!noasm")
	weighRows()
	columns()
	row()
	idct()
	ycc()
	pick()
	curve()
	sample()
	pixel.Generate()
}
