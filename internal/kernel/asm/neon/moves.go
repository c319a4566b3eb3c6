package neon

import (
	"github.com/mmcloughlin/avo/operand"
)

// moves are the instructions that load, store and copy vectors; they are put among vectors.
func init() {
	for name, f := range map[string]func(t *translation, ops []operand.Op){
		"VMOVUPS": moveVector, "VMOVUPD": moveVector, "VMOVAPS": moveVector, "VMOVDQU": moveVector, "VMOVDQA": moveVector,
		"VMOVSS": moveLow("FMOVS", 4), "VMOVSD": moveLow("FMOVD", 8), "VMOVD": moveLow("FMOVS", 4), "VMOVQ": moveLow("FMOVD", 8),
		"VBROADCASTSS": splat("FMOVS", 4, "S"), "VBROADCASTSD": splat("FMOVD", 8, "D"), "VPBROADCASTD": splat("FMOVS", 4, "S"),
		"VPBROADCASTB": func(t *translation, ops []operand.Op) {
			t.line("MOVBU %s, R%d", t.at(ops[0].(operand.Mem), 1), scratchReg)
			for h := range halves(ops[1]) {
				t.line("VDUP R%d, V%d.B16", scratchReg, half(ops[1], h))
			}
		},
	} {
		vectors[name] = f
	}
}

// copyHalf copies a 128-bit register.
func (t *translation) copyHalf(from, to int) {
	if from != to {
		t.line("VORR V%d.B16, V%[1]d.B16, V%d.B16", from, to)
	}
}

// copyTo copies or loads half h of op.
func (t *translation) copyTo(op operand.Op, h, to int) {
	m, ok := op.(operand.Mem)
	if !ok {
		t.copyHalf(half(op, h), to)
		return
	}
	base, disp := t.place(m)
	if !t.equalHalves(m) {
		disp += 16 * h
	}
	t.line("FMOVQ %s, F%d", t.quad(base, disp), to)
}

// equalHalves reports whether m is a constant of which only the first half is kept.
func (t *translation) equalHalves(m operand.Mem) bool { return t.constants.at[m.Symbol.Name].equal }

// quad writes an operand of FMOVQ.
func (t *translation) quad(base, disp int) string {
	if disp >= -256 && disp <= 255 || disp > 0 && disp%16 == 0 && disp < 65536 {
		return displaced(disp, base)
	}
	return displaced(0, t.pointerTo(base, disp))
}

// paired reports whether both halves of a vector at disp can be had at once.
func paired(disp int) bool { return disp%16 == 0 && disp >= -1024 && disp <= 1008 }

// moveVector loads, stores or copies a vector.
func moveVector(t *translation, ops []operand.Op) {
	if m, ok := ops[1].(operand.Mem); ok {
		base, disp := t.place(m)
		if halves(ops[0]) == 2 && paired(disp) {
			t.line("FSTPQ (F%d, F%d), %s", half(ops[0], 0), half(ops[0], 1), displaced(disp, base))
			return
		}
		for h := range halves(ops[0]) {
			t.line("FMOVQ F%d, %s", half(ops[0], h), t.quad(base, disp+16*h))
		}
		return
	}
	to := ops[1]
	if m, ok := ops[0].(operand.Mem); ok && halves(to) == 2 && !t.equalHalves(m) {
		if base, disp := t.place(m); paired(disp) {
			t.line("FLDPQ %s, (F%d, F%d)", displaced(disp, base), half(to, 0), half(to, 1))
			return
		}
	}
	for h := range halves(to) {
		t.copyTo(ops[0], h, half(to, h))
	}
}

// moveLow translates moves of a vector's lowest lane, from and to memory or a
// general register.
func moveLow(name string, size int) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		switch {
		case isGeneral(ops[0]):
			t.line("%s R%d, F%d", name, general64(ops[0]), half(ops[1], 0))
		case isGeneral(ops[1]):
			t.line("%s F%d, R%d", name, half(ops[0], 0), general64(ops[1]))
		case isVector(ops[0]):
			t.line("%s F%d, %s", name, half(ops[0], 0), t.at(ops[1].(operand.Mem), size))
		default:
			t.line("%s %s, F%d", name, t.at(ops[0].(operand.Mem), size), half(ops[1], 0))
		}
	}
}

// splat sets all lanes to a value in memory or in a vector's lowest lane.
func splat(load string, size int, lane string) func(t *translation, ops []operand.Op) {
	return func(t *translation, ops []operand.Op) {
		from := scratch
		if m, ok := ops[0].(operand.Mem); ok {
			t.line("%s %s, F%d", load, t.at(m, size), scratch)
		} else {
			from = half(ops[0], 0)
		}
		for h := halves(ops[1]) - 1; h >= 0; h-- {
			t.line("VDUP V%d.%s[0], V%d.%s%d", from, lane, half(ops[1], h), lane, 16/size)
		}
	}
}
