package neon

import (
	"github.com/mmcloughlin/avo/operand"
)

// Instructions that move lanes, or change what they are made of.
func init() {
	for name, f := range map[string]func(t *translation, ops []operand.Op){
		"VPERM2F128": halvesOf, "VPERM2I128": halvesOf,
		"VEXTRACTI128": func(t *translation, ops []operand.Op) {
			h, _ := immediate(ops[0])
			t.copyHalf(half(ops[1], int(h)), half(ops[2], 0))
		},
		"VPERMILPS": permuteLanes,
		"VUNPCKLPS": named("VZIP1", "S4"), "VUNPCKHPS": named("VZIP2", "S4"),
		"VUNPCKLPD": named("VZIP1", "D2"), "VUNPCKHPD": named("VZIP2", "D2"),
		"VSHUFPS": func(t *translation, ops []operand.Op) {
			n, _ := immediate(ops[0])
			name, ok := map[int64]string{0x44: "VZIP1", 0xee: "VZIP2"}[n&0xff]
			if !ok {
				t.fail("VSHUFPS $%#x is not known", n)
			}
			t.each(ops[1:], func(d, a, b int) { t.line("%s V%d.D2, V%d.D2, V%d.D2", name, b, a, d) })
		},
		"VPERMQ": permuteLongs,
		"VPSHUFD": func(t *translation, ops []operand.Op) {
			n, _ := immediate(ops[0])
			if n%0x55 != 0 {
				t.fail("VPSHUFD $%#x is not known", n)
			}
			t.line("VDUP V%d.S[%d], V%d.S4", half(ops[1], 0), n/0x55, half(ops[2], 0))
		},
		"VPSHUFB": func(t *translation, ops []operand.Op) {
			t.each(ops, func(d, a, b int) { t.line("VTBL V%d.B16, [V%d.B16], V%d.B16", b, a, d) })
		},
		"VPALIGNR": func(t *translation, ops []operand.Op) {
			n, _ := immediate(ops[0])
			t.each(ops[1:], func(d, a, b int) { t.line("VEXT $%d, V%d.B16, V%d.B16, V%d.B16", n, a, b, d) })
		},
		"VPEXTRQ": func(t *translation, ops []operand.Op) {
			n, _ := immediate(ops[0])
			to := scratchReg
			if isGeneral(ops[2]) {
				to = general64(ops[2])
			}
			t.line("VMOV V%d.D[%d], R%d", half(ops[1], 0), n, to)
			if m, ok := ops[2].(operand.Mem); ok {
				t.line("MOVD R%d, %s", to, t.at(m, 8))
			}
		},
		"VPMOVZXBD": func(t *translation, ops []operand.Op) {
			load, size := "FMOVS", 4
			if halves(ops[1]) == 2 {
				load, size = "FMOVD", 8
			}
			t.line("%s %s, F%d", load, t.at(ops[0].(operand.Mem), size), scratch)
			t.line("VUSHLL $0, V%d.B8, V%[1]d.H8", scratch)
			for h := range halves(ops[1]) {
				if h == 0 {
					t.line("VUSHLL $0, V%d.H4, V%d.S4", scratch, half(ops[1], h))
				} else {
					t.line("VUSHLL2 $0, V%d.H8, V%d.S4", scratch, half(ops[1], h))
				}
			}
		},
		"VPMOVZXBW": func(t *translation, ops []operand.Op) {
			t.line("FMOVD %s, F%d", t.at(ops[0].(operand.Mem), 8), scratch)
			t.line("VUSHLL $0, V%d.B8, V%d.H8", scratch, half(ops[1], 0))
		},
		"VPACKSSDW": narrowed("narrow"), "VPACKUSDW": narrowed("narrow unsigned"), "VPACKUSWB": narrowed("narrow bytes"),
		"VPMADDWD": func(t *translation, ops []operand.Op) {
			t.each(ops, func(d, a, b int) {
				if b == scratch {
					t.fail("VPMADDWD of memory")
				}
				t.word("products of low", scratch, a, b)
				t.word("products of high", scratch2, a, b)
				t.line("VADDP V%d.S4, V%d.S4, V%d.S4", scratch2, scratch, d)
			})
		},
		"VCVTTPD2DQY": doublesToIntegers,
		"VGATHERDPS":  gather,
		"VMOVMSKPS":   signs,
	} {
		vectors[name] = f
	}
}

// halvesOf puts halves of two vectors together.
func halvesOf(t *translation, ops []operand.Op) {
	n, _ := immediate(ops[0])
	from := func(s int64) int {
		if s&2 != 0 {
			return half(ops[1], int(s&1))
		}
		return half(ops[2], int(s&1))
	}
	lo, hi := from(n&3), from(n>>4&3)
	to := [2]int{half(ops[3], 0), half(ops[3], 1)}
	switch {
	case hi != to[0]:
		t.copyHalf(lo, to[0])
		t.copyHalf(hi, to[1])
	case lo != to[1]:
		t.copyHalf(hi, to[1])
		t.copyHalf(lo, to[0])
	default:
		t.copyHalf(lo, scratch)
		t.copyHalf(hi, to[1])
		t.copyHalf(scratch, to[0])
	}
}

// permuteLanes exchanges the halves, or the neighbors, of four lanes.
func permuteLanes(t *translation, ops []operand.Op) {
	n, _ := immediate(ops[0])
	for h := range halves(ops[2]) {
		from, to := half(ops[1], h), half(ops[2], h)
		switch n {
		case 0x4E:
			t.line("VEXT $8, V%d.B16, V%[1]d.B16, V%d.B16", from, to)
		case 0xB1:
			t.line("VREV64 V%d.S4, V%d.S4", from, to)
		default:
			t.fail("VPERMILPS $%#x is not known", n)
		}
	}
}

// permuteLongs exchanges the two in the middle of four.
func permuteLongs(t *translation, ops []operand.Op) {
	if n, _ := immediate(ops[0]); n != 0xd8 {
		t.fail("VPERMQ $%#x is not known", n)
	}
	lo, hi := half(ops[1], 0), half(ops[1], 1)
	t.copyHalf(lo, scratch)
	t.line("VZIP2 V%d.D2, V%d.D2, V%d.D2", hi, scratch, scratch2)
	t.line("VZIP1 V%d.D2, V%d.D2, V%d.D2", hi, scratch, half(ops[2], 0))
	t.copyHalf(scratch2, half(ops[2], 1))
}

// narrowed translates the packing of lanes half as wide: the first source's, then
// the second's.
func narrowed(name string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		t.each(ops, func(d, a, b int) {
			to := d
			if d == b && a != b {
				to = scratch
			}
			if a == b && b == d {
				t.copyHalf(b, scratch2)
				b = scratch2
			}
			t.word(name, to, a, 0)
			t.word(name+" upper", to, b, 0)
			t.copyHalf(to, d)
		})
	}
}

// doublesToIntegers rounds four doubles towards 0. A NaN gives all ones, and what
// is too large the outermost: both lie, as unsigned numbers, beyond what is compared with.
func doublesToIntegers(t *translation, ops []operand.Op) {
	for h, name := range []string{"narrow longs", "narrow longs upper"} {
		from := half(ops[0], h)
		t.word("equal doubles", scratch2, from, from)
		t.word("to long integers", from, from, 0)
		t.word("or not", from, from, scratch2)
		t.word(name, scratch, from, 0)
	}
	t.copyHalf(scratch, half(ops[1], 0))
}

// gather loads a float for each lane of the index.
func gather(t *translation, ops []operand.Op) {
	m := ops[1].(operand.Mem)
	for h := range halves(ops[2]) {
		for lane := range 4 {
			t.line("VMOV V%d.S[%d], R%d", half(m.Index, h), lane, scratchReg)
			t.line("ADD %s, R%d, R%d", scaled(scratchReg, int(m.Scale)), general64(m.Base), scratchReg)
			if m.Disp != 0 {
				t.line("ADD $%d, R%d, R%[2]d", m.Disp, scratchReg)
			}
			t.line("VLD1 (R%d), V%d.S[%d]", scratchReg, half(ops[2], h), lane)
		}
	}
}

// signs gathers the bits of a mask.
func signs(t *translation, ops []operand.Op) {
	if !t.isMask(ops[0]) {
		t.fail("VMOVMSKPS of a vector that is no mask")
	}
	to := general64(ops[1])
	base, disp := constantsReg, t.constants.laneBits()
	n := halves(ops[0])
	for h := range n {
		v := scratch + h
		t.line("FMOVQ %s, F%d", t.quad(base, disp+16*h), v)
		t.line("VAND V%d.B16, V%d.B16, V%[2]d.B16", half(ops[0], h), v)
	}
	if n == 2 {
		t.line("VORR V%d.B16, V%d.B16, V%[2]d.B16", scratch2, scratch)
	}
	t.line("VADDV V%d.S4, V%[1]d", scratch)
	t.line("FMOVS F%d, R%d", scratch, to)
}
