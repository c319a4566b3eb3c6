// Command pool generates the kernels of max pooling for AVX-512 and AVX2. Their
// Go twins are named in their comments.
package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	sets := isa.Begin()
	room := isa.Open("../pool")
	room.Args("windowArgs")
	for _, v := range sets {
		pool(v)
	}
	room.Generate()
}

// function begins kernel name for v, whose argument p points to a structure of
// the given Go type, and returns the structure.
func function(v *isa.Set, name, argType, doc string, notes ...string) isa.Args {
	isa.Kernel(strings.ToLower(name[:1])+name[1:]+v.Name, "func(p *"+argType+")", doc, notes...)
	return isa.Deref("p", GP64())
}
