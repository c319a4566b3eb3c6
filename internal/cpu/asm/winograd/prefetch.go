package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// prefetch asks for cache lines. It needs no more than SSE and exists once.
func prefetch() {
	TEXT("winoPrefetchLines", NOSPLIT, "func(p *float32, n int)")
	Pragma("noescape")
	Doc("winoPrefetchLines asks for n lines of 64 bytes from p on, n > 0, into the L2 cache.")
	p, n := GP64(), GP64()
	Load(Param("p"), p)
	Load(Param("n"), n)
	Label("prefetch_line")
	PREFETCHT1(Mem{Base: p})
	ADDQ(Imm(64), p)
	DECQ(n)
	JNZ(LabelRef("prefetch_line"))
	RET()
}
