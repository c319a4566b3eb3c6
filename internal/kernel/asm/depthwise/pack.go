package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pack generates the copies between pixels and blocks of channels.
func pack(v *isa.Set, name, doc string, toBlocks, nonTemporal bool) {
	args := function(v, name, "packArgs", doc, "for pixels { for whole blocks { copy, and fetch that of the pixel 8 on }; the rest }")
	dense, blocks, pixels, step := field(args, "dense"), field(args, "blocks"), field(args, "pixels"), bytes(args, "blockStep")
	block := pair * v.Lanes()
	rest := field(args, "c")
	ANDQ(Imm(uint64(block-1)), rest)
	tail := tails(v, rest)
	p, q, ahead := GP64(), GP64(), bytes(args, "stride")
	SHLQ(Imm(3), ahead)
	copyBlock := func(tail [pair]*isa.Tail) {
		for line := 0; line < pair*v.Bytes; line += 64 {
			// No hardware prefetcher follows short runs.
			if !nonTemporal {
				PREFETCHT0(Mem{Base: p, Index: ahead, Scale: 1, Disp: line})
			}
		}
		for i := range pair {
			pixel, to := Mem{Base: p, Disp: i * v.Bytes}, Mem{Base: q, Disp: i * v.Bytes}
			switch {
			case toBlocks:
				VMOVUPS(v.Load(pixel, tail[i]), to)
			case nonTemporal && tail[i] == nil:
				v.StoreNonTemporal(v.Load(to, nil), pixel)
			default:
				v.Store(v.Load(to, nil), pixel, tail[i])
			}
		}
	}
	Label("pixel")
	left := field(args, "c")
	MOVQ(dense, p)
	MOVQ(blocks, q)
	SUBQ(Imm(uint64(block)), left)
	JLT(LabelRef("rest"))
	Label("block")
	copyBlock([pair]*isa.Tail{})
	ADDQ(I32(pair*v.Bytes), p)
	ADDQ(step, q)
	SUBQ(Imm(uint64(block)), left)
	JGE(LabelRef("block"))
	Label("rest")
	ADDQ(Imm(uint64(block)), left)
	JZ(LabelRef("next"))
	copyBlock(tail)
	Label("next")
	forward(args, dense, "stride")
	ADDQ(I32(pair*v.Bytes), blocks)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	isa.End()
}
