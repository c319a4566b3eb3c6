// Command elementwise generates the kernels of internal/cpu that pass over
// memory once: elementwise work, normalization, pooling and optimizer steps,
// each for AVX-512 and AVX2. Their Go twins are named in their comments.
//
// Three shapes of loop serve nearly all of them, rowMap, rowSums and windows; a
// kernel is the few lines that say what happens to one vector.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/cpu/asm/isa"
)

func main() {
	flag.Parse()
	cpu := isa.Open("..")
	cpu.Args("rowArgs", "windowArgs")
	ConstraintExpr("amd64,!noasm")
	for _, v := range isa.All {
		flat(v)
		rows(v)
		norm(v)
		pool(v)
		optim(v)
	}
	cpu.Generate()
}

// function begins kernel name for v, whose argument p points to a structure of
// the given Go type, and returns the structure.
func function(v *isa.Set, name, argType, doc string, notes ...string) isa.Args {
	isa.Kernel("ew"+name+v.Name, "func(p *"+argType+")", doc, notes...)
	return isa.Deref("p", GP64())
}
