package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// prefetch asks for cache lines. It needs no more than SSE and exists once.
func prefetch() {
	TEXT("winoPrefetchLines", NOSPLIT, "func(r *uintptr, n int)")
	Pragma("noescape")
	Doc("winoPrefetchLines asks for the next n lines of a region, n > 0, into the L2 cache; see winoAhead.")
	r, n := GP64(), GP64()
	Load(Param("r"), r)
	Load(Param("n"), n)
	at, left, row, skip := GP64(), GP64(), GP64(), GP64()
	MOVQ(Mem{Base: r}, at)
	MOVQ(Mem{Base: r, Disp: 8}, left)
	MOVQ(Mem{Base: r, Disp: 16}, row)
	MOVQ(Mem{Base: r, Disp: 24}, skip)
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
	MOVQ(at, Mem{Base: r})
	MOVQ(left, Mem{Base: r, Disp: 8})
	RET()
}
