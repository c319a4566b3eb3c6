// Command ground generates what the kernels of all families share.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	flag.Parse()
	room := isa.Open("../ground")
	ConstraintExpr("amd64,!noasm")
	fence()
	room.Generate()
}

// fence orders non-temporal stores.
func fence() {
	isa.Kernel("storeFenceSSE", "func()", "orders non-temporal stores before everything that follows.")
	isa.Fence()
	RET()
}
