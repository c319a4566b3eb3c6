package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// blocks loops over n blocks: body handles one half of one block at byte
// displacement disp, then src and dst move on.
func (v *transform) blocks(name string, src, srcStep, dst, dstStep reg.GPVirtual, body func(disp int)) {
	n := GP64()
	Load(Param("n"), n)
	TESTQ(n, n)
	JLE(LabelRef(name + "_done"))
	Label(name + "_block")
	for h := range v.halves() {
		body(h * v.Bytes)
		v.release()
	}
	ADDQ(srcStep, src)
	ADDQ(dstStep, dst)
	DECQ(n)
	JNZ(LabelRef(name + "_block"))
	Label(name + "_done")
	isa.End()
}
