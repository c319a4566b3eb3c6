// Command winograd generates the transforms of Winograd's F(4x4,3x3) of
// internal/kernel/winograd for AVX-512 and AVX2. Their contract and their Go twins are in
// transform.go.
package main

import (
	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	sets := isa.Begin()
	room := isa.Open("../winograd")
	room.Args("winoRegion")
	for _, set := range sets {
		v := &transform{Set: set}
		for _, rows := range []int{4, 3} {
			for _, cols := range []int{4, 3} {
				v.input(rows, cols)
				v.grad(rows, cols)
				v.output(rows, cols, "")
			}
		}
		if !v.Pairs {
			v.output(4, 4, "NonTemporal")
		}
		v.filter()
		v.filterGrad()
		v.transpose()
		v.product()
	}
	prefetch()
	room.Generate()
}
