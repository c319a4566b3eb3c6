// Command winograd generates the transforms of Winograd's F(4x4,3x3) of
// internal/kernel/winograd for AVX-512 and AVX2. Their contract and their Go twins are in
// transform.go.
package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	room := isa.Open("../winograd")
	room.Args("winoRegion")
	ConstraintExpr("amd64,!noasm")
	for _, set := range isa.All {
		v := &transform{Set: set}
		for _, rows := range []int{4, 3} {
			for _, cols := range []int{4, 3} {
				v.input(rows, cols)
				v.grad(rows, cols)
				v.output(rows, cols, "")
			}
		}
		v.output(4, 4, "NonTemporal")
		v.filter()
		v.filterGrad()
		v.transpose()
		v.product()
	}
	prefetch()
	room.Generate()
}
