package neon

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// NEON has no masked loads and stores. The last lanes of a row are had by
// instructions of this package's own, of which this file has the descriptions that
// go into avo's program: the names of all begin with part.
const part = "PART"

// LoadPart loads the first lanes, whose number, 0 to 8, is n's lowest lane, of the
// vector at m, the others 0.
func LoadPart(m operand.Op, n, to reg.Register) *ir.Instruction {
	return &ir.Instruction{Opcode: part + "LOAD", Operands: []operand.Op{m, n, to}, Inputs: []operand.Op{m, n}, Outputs: []operand.Op{to}}
}

// StorePart stores the first n lanes.
func StorePart(x, n reg.Register, m operand.Op) *ir.Instruction {
	return &ir.Instruction{Opcode: part + "STORE", Operands: []operand.Op{x, n, m}, Inputs: []operand.Op{x, n}, Outputs: []operand.Op{m}}
}

// KeepPart sets all lanes but the first n to 0.
func KeepPart(x, n reg.Register) *ir.Instruction {
	return &ir.Instruction{Opcode: part + "KEEP", Operands: []operand.Op{n, x}, Inputs: []operand.Op{n, x}, Outputs: []operand.Op{x}}
}

func init() {
	vectors[part+"LOAD"] = func(t *translation, ops []operand.Op) {
		from, to := t.pointer(ops[0].(operand.Mem)), ops[2]
		for h := range 2 {
			t.line("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", half(to, h))
		}
		t.parts(from, ops[1], to, partMoves{
			both: func(at string, lo, hi int) { t.line("FLDPQ %s, (F%d, F%d)", at, lo, hi) },
			move: func(name, at string, v int) { t.line("%s %s, F%d", name, at, v) },
			lane: func(p, v, lane int) { t.line("VLD1 (R%d), V%d.S[%d]", p, v, lane) },
		})
	}
	vectors[part+"STORE"] = func(t *translation, ops []operand.Op) {
		to := t.pointer(ops[2].(operand.Mem))
		t.parts(to, ops[1], ops[0], partMoves{
			both: func(at string, lo, hi int) { t.line("FSTPQ (F%d, F%d), %s", lo, hi, at) },
			move: func(name, at string, v int) { t.line("%s F%d, %s", name, v, at) },
			lane: func(p, v, lane int) { t.line("VST1 V%d.S[%d], (R%d)", v, lane, p) },
		})
	}
	vectors[part+"KEEP"] = func(t *translation, ops []operand.Op) {
		for h := range 2 {
			t.line("FMOVQ %s, F%d", t.quad(constantsReg, t.constants.laneNumbers()+16*h), scratch)
			t.line("VDUP V%d.S[0], V%d.S4", half(ops[0], 0), scratch2)
			t.word("greater", scratch, scratch2, scratch)
			t.line("VAND V%d.B16, V%d.B16, V%[2]d.B16", scratch, half(ops[1], h))
		}
	}
}

// partMoves load or store: both halves, the lowest lanes of one, and a lane.
type partMoves struct {
	both func(at string, lo, hi int)
	move func(name, at string, v int)
	lane func(p, v, lane int)
}

// parts moves the first lanes at p, by the bits of their number: eight, four, two, one.
func (t *translation) parts(p int, count, x operand.Op, m partMoves) {
	n := partReg
	t.line("FMOVS F%d, R%d", half(count, 0), n)
	lo, hi := half(x, 0), half(x, 1)
	all, low, done := t.label(), t.label(), t.label()
	few := func(disp, v int) {
		one := t.label()
		t.line("TBZ $1, R%d, %s", n, one)
		m.move("FMOVD", displaced(disp, p), v)
		t.line("TBZ $0, R%d, %s", n, done)
		t.line("ADD $%d, R%d, R%d", disp+8, p, scratchReg)
		m.lane(scratchReg, v, 2)
		t.line("B %s", done)
		t.mark(one)
		t.line("TBZ $0, R%d, %s", n, done)
		m.move("FMOVS", displaced(disp, p), v)
		t.line("B %s", done)
	}
	t.line("TBNZ $3, R%d, %s", n, all)
	t.line("TBZ $2, R%d, %s", n, low)
	m.move("FMOVQ", displaced(0, p), lo)
	few(16, hi)
	t.mark(low)
	few(0, lo)
	t.mark(all)
	m.both(displaced(0, p), lo, hi)
	t.mark(done)
}

// mark writes a label of parts: what is known stays known, for nothing but vectors
// changes between.
func (t *translation) mark(label string) { t.text.WriteString(label + ":\n") }
