// Command depthwise generates the kernels of depthwise convolutions for AVX-512 and
// AVX2. Their Go twins are named in their comments.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pair is the vectors of a block.
const pair = 2

func main() {
	sets := isa.Begin()
	room := isa.Open("../depthwise")
	room.Args("packArgs", "windowArgs", "gradArgs")
	group := room.Const("group")
	for _, v := range sets {
		pack(v, "Pack", "copies pixels to blocks of channels; see packArgs.packGo.", true, false)
		pack(v, "Unpack", "copies blocks of channels to pixels; see packArgs.unpackGo.", false, false)
		if !v.Pairs {
			pack(v, "UnpackNonTemporal", "copies blocks of channels to pixels, which are aligned and have whole blocks; see packArgs.unpackGo.", false, true)
		}
		for _, k := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				slides(v, k, stride, group)
			}
		}
		windows(v, group)
		// As many taps and outputs as there are registers of AVX2, and at least so
		// many taps that no sum waits for itself.
		few, many := room.Const("fewOutputs"), room.Const("manyOutputs")
		for _, stride := range []int{1, 2} {
			grads(v, 3, 3, stride, few)
			grads(v, 2, 5, stride, few)
			grads(v, 1, 5, stride, few)
			grads(v, 1, 7, stride, many)
		}
		gradOne(v)
	}
	room.Generate()
}

// function begins kernel name for v, whose argument p points to a structure of
// the given Go type, and returns the structure.
func function(v *isa.Set, name, argType, doc string, notes ...string) isa.Args {
	isa.Kernel(string(name[0]|0x20)+name[1:]+v.Name, "func(p *"+argType+")", doc, notes...)
	return isa.Deref("p", GP64())
}

// field loads a field.
func field(args isa.Args, name string) reg.GPVirtual {
	r := GP64()
	MOVQ(args.Field(name), r)
	return r
}

// bytes loads a field that counts floats, as bytes.
func bytes(args isa.Args, name string) reg.GPVirtual {
	r := field(args, name)
	SHLQ(Imm(2), r)
	return r
}

// forward moves the address p on by a field, in floats.
func forward(args isa.Args, p reg.GPVirtual, name string) {
	LEAQ(Mem{Base: p, Index: field(args, name), Scale: 4}, p)
}

// tails makes the masks of a block's vectors, of which n floats are there; it
// overwrites n.
func tails(v *isa.Set, n reg.GPVirtual) [pair]*isa.Tail {
	var t [pair]*isa.Tail
	lanes, of := GP64(), GP64()
	MOVQ(U32(v.Lanes()), lanes)
	for i := range t {
		MOVQ(n, of)
		CMPQ(of, lanes)
		CMOVQGT(lanes, of)
		SUBQ(of, n)
		t[i] = v.NewTail(of)
	}
	return t
}
