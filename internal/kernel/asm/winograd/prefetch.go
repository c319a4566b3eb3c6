package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// prefetch asks for cache lines. It needs no more than SSE and exists once.
func prefetch() {
	isa.Kernel("winoPrefetchLines", "func(r *winoRegion, n int)", "asks for the next n lines of a region, n > 0, into the L2 cache; see winoAhead.",
		"for n { prefetch at; at += 64; if left-- == 0 { left = row; at += skip } }")
	region, n := isa.Deref("r", GP64()), GP64()
	Load(Param("n"), n)
	at, left, row, skip := GP64(), GP64(), GP64(), GP64()
	MOVQ(region.Field("at"), at)
	MOVQ(region.Field("left"), left)
	MOVQ(region.Field("row"), row)
	MOVQ(region.Field("skip"), skip)
	Label("prefetch_line")
	PREFETCHT1(Mem{Base: at})
	ADDQ(Imm(64), at)
	DECQ(left)
	JNZ(LabelRef("prefetch_next"))
	MOVQ(row, left)
	ADDQ(skip, at)
	Label("prefetch_next")
	DECQ(n)
	JNZ(LabelRef("prefetch_line"))
	MOVQ(at, region.Field("at"))
	MOVQ(left, region.Field("left"))
	RET()
}
