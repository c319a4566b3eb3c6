// Command pixel generates the kernels of internal/kernel/pixel, for AVX2 and NEON:
// AVX-512 would gain nothing. Their Go twins are in internal/kernel/pixel, internal/jpeg and vision.
package main

import (
	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pixel is the package that the kernels belong to, set the instruction set that
// they are for.
var (
	pixel *isa.Source
	set   *isa.Set
)

func main() {
	sets := isa.Begin()
	set = sets[len(sets)-1]
	pixel = isa.Open("../pixel")
	pixel.Args("Walk")
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
