package neon

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// vectors are the instructions of vectors. Their operands are in avo's order:
// immediate, second source, first source, result.
var vectors = map[string]func(t *translation, ops []operand.Op){
	"VADDPS": arithmeticOf("add floats"), "VSUBPS": arithmeticOf("subtract floats"),
	"VMULPS": arithmeticOf("multiply floats"), "VDIVPS": arithmeticOf("divide floats"),
	"VADDPD": arithmeticOf("add doubles"), "VMULPD": arithmeticOf("multiply doubles"), "VDIVPD": arithmeticOf("divide doubles"),
	"VPMULLD": arithmeticOf("multiply"), "VPMAXSD": arithmeticOf("maximum"), "VPMINSD": arithmeticOf("minimum"), "VPMINUD": arithmeticOf("unsigned minimum"),
	"VPADDD": named("VADD", "S4"), "VPSUBD": named("VSUB", "S4"), "VPCMPEQD": named("VCMEQ", "S4"),
	"VANDPS": named("VAND", "B16"), "VPAND": named("VAND", "B16"), "VORPS": named("VORR", "B16"), "VPOR": named("VORR", "B16"),
	"VXORPS": named("VEOR", "B16"), "VPXOR": named("VEOR", "B16"),
	"VPUNPCKLDQ": named("VZIP1", "S4"), "VPUNPCKHDQ": named("VZIP2", "S4"),
	"VPUNPCKLQDQ": named("VZIP1", "D2"), "VPUNPCKHQDQ": named("VZIP2", "D2"),
	"VPUNPCKLWD": named("VZIP1", "H8"), "VPUNPCKHWD": named("VZIP2", "H8"),

	"VSQRTPS": single("square root"), "VCVTDQ2PS": single("to floats"), "VCVTTPS2DQ": single("to integers"),

	"VPSLLD": func(t *translation, ops []operand.Op) {
		t.shift(ops, func(n, d, s int) { t.line("VSHL $%d, V%d.S4, V%d.S4", n, s, d) })
	},
	"VPSRLD": func(t *translation, ops []operand.Op) {
		t.shift(ops, func(n, d, s int) { t.line("VUSHR $%d, V%d.S4, V%d.S4", n, s, d) })
	},
	"VPSRAD": func(t *translation, ops []operand.Op) { t.shift(ops, t.shiftRight) },

	// d += a*b and d -= a*b, rounded once.
	"VFMADD231PS":  fused("VFMLA"),
	"VFNMADD231PS": fused("VFMLS"),
	// d = a*d + b
	"VFMADD213PS": func(t *translation, ops []operand.Op) {
		for h := range halves(ops[2]) {
			d := half(ops[2], h)
			t.copyTo(ops[0], h, scratch)
			t.line("VFMLA V%d.S4, V%d.S4, V%d.S4", d, half(ops[1], h), scratch)
			t.copyHalf(scratch, d)
		}
	},
	// d = d*b + a
	"VFMADD132PS": func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) {
			t.copyHalf(a, scratch2)
			t.line("VFMLA V%d.S4, V%d.S4, V%d.S4", b, d, scratch2)
			t.copyHalf(scratch2, d)
		})
	},

	// The second source where the comparison fails, as with a NaN in either.
	"VMAXPS": func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) {
			t.word("greater floats", scratch2, a, b)
			t.choose(scratch2, a, b, d)
		})
	},
	"VMINPS": func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) {
			t.word("greater floats", scratch2, b, a)
			t.choose(scratch2, a, b, d)
		})
	},
	"VCMPPS":    compareFloats,
	"VBLENDVPS": blend,
}

// note keeps track of which vectors are masks.
func (t *translation) note(i *ir.Instruction) {
	ops := i.Operands
	if len(ops) == 0 || !isVector(ops[len(ops)-1]) {
		return
	}
	mask := false
	switch i.Opcode {
	case "VCMPPS", "VPCMPEQD":
		mask = true
	case "VANDPS", "VPAND", "VORPS", "VPOR":
		mask = t.isMask(ops[0]) && t.isMask(ops[1])
	}
	t.masks[half(ops[len(ops)-1], 0)] = mask
}

func (t *translation) isMask(op operand.Op) bool { return isVector(op) && t.masks[half(op, 0)] }

// source returns the register that half h of op is in, which is scratch when op
// is memory. Of a constant whose halves are equal the second is there already.
func (t *translation) source(op operand.Op, h int) int {
	m, ok := op.(operand.Mem)
	if !ok {
		return half(op, h)
	}
	if h == 0 || !t.equalHalves(m) {
		t.copyTo(m, h, scratch)
	}
	return scratch
}

// each calls f for each half with the registers of the result, the first source
// and the second. It must leave scratch alone.
func (t *translation) each(ops []operand.Op, f func(d, a, b int)) {
	to := ops[len(ops)-1]
	for h := range halves(to) {
		f(half(to, h), half(ops[1], h), t.source(ops[0], h))
	}
}

// arithmeticOf translates to an instruction of words.
func arithmeticOf(name string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) { t.word(name, d, a, b) })
	}
}

// named translates to an instruction that the assembler has, whose sources may be
// exchanged or are the other way round there.
func named(name, arrangement string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) {
			t.line("%[1]s V%[3]d.%[2]s, V%[4]d.%[2]s, V%[5]d.%[2]s", name, arrangement, b, a, d)
		})
	}
}

// single translates an instruction with one source.
func single(name string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		for h := range halves(ops[1]) {
			t.word(name, half(ops[1], h), t.source(ops[0], h), 0)
		}
	}
}

// fused translates a multiplication with an addition to the result.
func fused(name string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) { t.line("%s V%d.S4, V%d.S4, V%d.S4", name, b, a, d) })
	}
}

func (t *translation) shift(ops []operand.Op, f func(n, d, s int)) {
	n, _ := immediate(ops[0])
	for h := range halves(ops[2]) {
		f(int(n), half(ops[2], h), half(ops[1], h))
	}
}

// choose sets d to a where mask, and to b elsewhere; d may be any of them.
func (t *translation) choose(mask, a, b, d int) {
	switch d {
	case b:
		t.line("VBIT V%d.B16, V%d.B16, V%d.B16", mask, a, d)
	case a:
		t.line("VBIF V%d.B16, V%d.B16, V%d.B16", mask, b, d)
	case mask:
		t.line("VBSL V%d.B16, V%d.B16, V%d.B16", b, a, d)
	default:
		t.copyHalf(b, d)
		t.line("VBIT V%d.B16, V%d.B16, V%d.B16", mask, a, d)
	}
}

// compareFloats translates the comparisons that generators use; what a NaN makes
// of them is the same, and exceptions are not looked at.
func compareFloats(t *translation, ops []operand.Op) {
	predicate, _ := immediate(ops[0])
	t.each(ops[1:], func(d, a, b int) {
		switch predicate {
		case 1: // a < b
			t.word("greater floats", d, b, a)
		case 14, 30: // a > b
			t.word("greater floats", d, a, b)
		case 26: // not a > b
			t.word("greater floats", d, a, b)
			t.word("not", d, d, 0)
		case 3: // a NaN in either
			if a != b {
				t.fail("a comparison that looks for NaN in two vectors")
			}
			t.word("equal floats", d, a, a)
			t.word("not", d, d, 0)
		default:
			t.fail("comparison %d is not known", predicate)
		}
	})
}

// blend takes the second source where the mask's sign is set.
func blend(t *translation, ops []operand.Op) {
	mask, known := ops[0], t.isMask(ops[0])
	to := ops[3]
	for h := range halves(to) {
		m := half(mask, h)
		if !known {
			t.word("negative", scratch2, m, 0)
			m = scratch2
		}
		t.choose(m, t.source(ops[1], h), half(ops[2], h), half(to, h))
	}
}
