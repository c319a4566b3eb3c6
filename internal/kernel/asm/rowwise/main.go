// Command rowwise generates the kernels that pass over rows once, for one of the
// rooms of internal/kernel that have such: attention, elementwise, norm or optimizer, each
// kernel for AVX-512 and AVX2. Their Go twins are named in their comments.
//
// Two shapes of loop serve nearly all of them, rowMap and rowSums; a kernel is
// the few lines that say what happens to one vector.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// rooms are the kernels of each room, whose names begin with prefix.
var rooms = map[string]struct {
	prefix  string
	kernels func(room *isa.Source, v *isa.Set)
}{
	"elementwise": {"ew", func(room *isa.Source, v *isa.Set) {
		activations(room, v)
		flat(v)
		rows(v)
	}},
	"attention": {"attention", func(_ *isa.Source, v *isa.Set) { softmax(v) }},
	"norm":      {"norm", func(_ *isa.Source, v *isa.Set) { norm(v) }},
	"optimizer": {"optimizer", func(_ *isa.Source, v *isa.Set) { optim(v) }},
}

// prefix begins the names of all kernels.
var prefix string

func main() {
	name := flag.String("room", "", "generate the kernels of this `package` of internal/kernel")
	sets := isa.Begin()
	r, ok := rooms[*name]
	if !ok {
		log.Fatalf("-room %q: the rooms are attention, elementwise, norm and optimizer", *name)
	}
	prefix = r.prefix
	room := isa.Open("../" + *name)
	isa.Open("../rowwise").ArgsAs("Args", "rowArgs")
	for _, v := range sets {
		r.kernels(room, v)
	}
	room.Generate()
}

// function begins kernel name for v, whose argument p points to a structure of
// the given Go type, and returns the structure.
func function(v *isa.Set, name, argType, doc string, notes ...string) isa.Args {
	isa.Kernel(prefix+name+v.Name, "func(p *"+argType+")", doc, notes...)
	return isa.Deref("p", GP64())
}
