// Command elementwise generates the kernels of internal/kernel/elementwise that pass over
// memory once: elementwise work, normalization and optimizer steps,
// each for AVX-512 and AVX2. Their Go twins are named in their comments.
//
// Two shapes of loop serve nearly all of them, rowMap and rowSums; a kernel is
// the few lines that say what happens to one vector.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	flag.Parse()
	room := isa.Open("../elementwise")
	room.Args("rowArgs")
	ConstraintExpr("amd64,!noasm")
	for _, v := range isa.All {
		activations(room, v)
		flat(v)
		rows(v)
		norm(v)
		optim(v)
	}
	room.Generate()
}

// function begins kernel name for v, whose argument p points to a structure of
// the given Go type, and returns the structure.
func function(v *isa.Set, name, argType, doc string, notes ...string) isa.Args {
	isa.Kernel("ew"+name+v.Name, "func(p *"+argType+")", doc, notes...)
	return isa.Deref("p", GP64())
}
