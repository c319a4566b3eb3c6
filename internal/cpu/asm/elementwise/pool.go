package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of windowArgs.
const (
	winSrc = 8 * iota
	winArg
	winOut
	winRows
	winCols
	winRowSkip
	winC
	winFirst
	winColStep
	winRowStep
)

// windows generates the loops of a pooling kernel:
//
//	for vectors of channels { start; for rows { for cols { step } }; end }
//
// src points to the vector in the first pixel, arg to its bytes, if any. The
// last vector of channels is moved back to end with the last channel, so c is
// at least one vector and the output must not overlap the input.
func (v *isa) windows(name string, arg bool, start, step, end func(src, arg, pos reg.GPVirtual, out Mem)) {
	v.function(name, "windowArgs")
	args := GP64()
	Load(Param("p"), args)
	v.windowArgs = args
	field := func(disp int) reg.GPVirtual {
		r := GP64()
		MOVQ(Mem{Base: args, Disp: disp}, r)
		return r
	}
	base, out, c := field(winSrc), field(winOut), field(winC)
	var argBase reg.GPVirtual
	if arg {
		argBase = field(winArg)
	}
	ch := GP64()
	XORQ(ch, ch)
	Label("channels")
	src, pos, rows := GP64(), field(winFirst), field(winRows)
	LEAQ(Mem{Base: base, Index: ch, Scale: 4}, src)
	var argPtr reg.GPVirtual
	if arg {
		argPtr = GP64()
		LEAQ(Mem{Base: argBase, Index: ch, Scale: 1}, argPtr)
	}
	dst := Mem{Base: out, Index: ch, Scale: 4}
	start(src, argPtr, pos, dst)
	Label("rows")
	cols := field(winCols)
	Label("cols")
	step(src, argPtr, pos, dst)
	Comment("next pixel: c floats and bytes on")
	LEAQ(Mem{Base: src, Index: c, Scale: 4}, src)
	if arg {
		ADDQ(c, argPtr)
	}
	ADDQ(Mem{Base: args, Disp: winColStep}, pos)
	DECQ(cols)
	JNZ(LabelRef("cols"))
	Comment("next row of the window")
	skip := field(winRowSkip)
	LEAQ(Mem{Base: src, Index: skip, Scale: 4}, src)
	if arg {
		ADDQ(skip, argPtr)
	}
	ADDQ(Mem{Base: args, Disp: winRowStep}, pos)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	end(src, argPtr, pos, dst)
	Comment("next channels; the last vector ends with the last channel")
	ADDQ(I8(v.lanes()), ch)
	CMPQ(ch, c)
	JGE(LabelRef("done"))
	rest := GP64()
	MOVQ(c, rest)
	SUBQ(I8(v.lanes()), rest)
	CMPQ(ch, rest)
	CMOVQGT(rest, ch)
	JMP(LabelRef("channels"))
	Label("done")
	VZEROUPPER()
	RET()
}

// broadcast returns a vector of the integer in r.
func (v *isa) broadcast(r reg.GPVirtual) reg.VecVirtual {
	x := v.vec()
	if v.wide {
		VPBROADCASTD(r.As32(), x)
	} else {
		t := XMM()
		VMOVD(r.As32(), t)
		VPBROADCASTD(t, x)
	}
	return x
}

// pool makes the kernels of max pooling.
func pool(v *isa) {
	for _, positions := range []bool{false, true} {
		v.maxWindow(positions)
	}
	v.gatherWindow()
}

// maxWindow: best = max over the window; at = its position. The bytes go to
// winArg, which here is an output.
func (v *isa) maxWindow(positions bool) {
	best, at := v.vec(), v.vec()
	name := "MaxWindow" + when(positions, "Arg")
	start := func(src, arg, pos reg.GPVirtual, out Mem) {
		VMOVUPS(Mem{Base: src}, best)
		if positions {
			VMOVAPS(v.broadcast(pos), at)
		}
	}
	step := func(src, arg, pos reg.GPVirtual, out Mem) {
		// where x > best or x is a NaN: best, at = x, pos
		x := v.load(Mem{Base: src}, nil)
		if v.wide {
			k, nan := K(), K()
			VCMPPS(greater, best, x, k)
			VCMPPS(unordered, x, x, nan)
			KORW(k, nan, k)
			VMOVAPS(x, k, best)
			if positions {
				VPBROADCASTD(pos.As32(), k, at)
			}
			return
		}
		m, nan := v.vec(), v.vec()
		VCMPPS(greater, best, x, m)
		VCMPPS(unordered, x, x, nan)
		VORPS(nan, m, m)
		VBLENDVPS(m, x, best, best)
		if positions {
			VBLENDVPS(m, v.broadcast(pos), at, at)
		}
	}
	end := func(src, arg, pos reg.GPVirtual, out Mem) {
		VMOVUPS(best, out)
		if !positions {
			return
		}
		bytes := GP64()
		MOVQ(Mem{Base: v.windowArgs, Disp: winArg}, bytes)
		to := Mem{Base: bytes, Index: out.Index, Scale: 1}
		if v.wide {
			VPMOVDB(at, to)
			return
		}
		hi := XMM()
		VEXTRACTI128(Imm(1), at.AsY(), hi)
		VPACKUSDW(hi, at.AsX(), hi)
		VPACKUSWB(hi, hi, hi)
		VMOVQ(hi, to)
	}
	v.windows(name, false, start, step, end)
}

// gatherWindow: out = sum over the window of dy where arg = pos.
func (v *isa) gatherWindow() {
	sum := v.vec()
	v.windows("GatherWindow", true,
		func(src, arg, pos reg.GPVirtual, out Mem) {
			if v.wide {
				VPXORD(sum, sum, sum)
			} else {
				VXORPS(sum, sum, sum)
			}
		},
		func(src, arg, pos reg.GPVirtual, out Mem) {
			a := v.vec()
			VPMOVZXBD(Mem{Base: arg}, a)
			if v.wide {
				k := K()
				VPCMPEQD(v.broadcast(pos), a, k)
				VADDPS(Mem{Base: src}, sum, k, sum)
				return
			}
			VPCMPEQD(v.broadcast(pos), a, a)
			VANDPS(Mem{Base: src}, a, a)
			VADDPS(a, sum, sum)
		},
		func(src, arg, pos reg.GPVirtual, out Mem) { VMOVUPS(sum, out) })
}
