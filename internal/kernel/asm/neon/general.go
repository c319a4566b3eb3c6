package neon

import (
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// conditions are the conditions of branches, and of CMOV, after a comparison.
var conditions = map[string]string{
	"E": "EQ", "EQ": "EQ", "Z": "EQ", "NE": "NE", "NZ": "NE",
	"L": "LT", "LT": "LT", "LE": "LE", "G": "GT", "GT": "GT", "GE": "GE",
}

// branch translates a jump.
func (t *translation) branch(i *ir.Instruction) {
	to := *i.TargetLabel()
	if i.IsUnconditionalBranch() {
		t.line("B %s", to)
		return
	}
	c, ok := conditions[strings.TrimPrefix(i.Opcode, "J")]
	if !ok {
		t.fail("branch %s is not known", i.Opcode)
	}
	t.line("B%s %s", c, to)
}

// setsFlags reports whether the flags that i leaves are read: amd64's arithmetic
// always sets them, arm64's where it is asked to.
func setsFlags(i *ir.Instruction, rest []ir.Node) bool {
	if !arithmetic[i.Opcode] {
		return false
	}
	for _, n := range rest {
		j, ok := n.(*ir.Instruction)
		switch {
		case !ok:
			continue
		case j.IsConditional || strings.HasPrefix(j.Opcode, "CMOV"):
			return true
		case j.IsBranch || j.IsTerminal || arithmetic[j.Opcode]:
			return false
		}
	}
	return false
}

// arithmetic are the general instructions that set amd64's flags.
var arithmetic = map[string]bool{
	"ADDQ": true, "SUBQ": true, "INCQ": true, "DECQ": true, "NEGQ": true, "ANDQ": true, "XORQ": true, "SHLQ": true, "SHRQ": true,
	"IMUL3Q": true, "CMPQ": true, "CMPL": true, "TESTQ": true,
}

// general are the instructions of general registers.
var general = map[string]func(t *translation, ops []operand.Op){
	"MOVQ":    func(t *translation, ops []operand.Op) { t.move("MOVD", "MOVD", 8, ops) },
	"MOVL":    func(t *translation, ops []operand.Op) { t.move("MOVWU", "MOVW", 4, ops) },
	"MOVLQSX": func(t *translation, ops []operand.Op) { t.move("MOVW", "MOVW", 4, ops) },
	"MOVBQZX": func(t *translation, ops []operand.Op) { t.move("MOVBU", "MOVB", 1, ops) },
	"MOVB":    func(t *translation, ops []operand.Op) { t.move("MOVBU", "MOVB", 1, ops) },
	"LEAQ":    lea,
	"ADDQ":    func(t *translation, ops []operand.Op) { t.add(1, ops) },
	"SUBQ":    func(t *translation, ops []operand.Op) { t.add(-1, ops) },
	"INCQ":    func(t *translation, ops []operand.Op) { t.addTo(1, general64(ops[0]), general64(ops[0])) },
	"DECQ":    func(t *translation, ops []operand.Op) { t.addTo(-1, general64(ops[0]), general64(ops[0])) },
	"NEGQ":    func(t *translation, ops []operand.Op) { t.line("NEG R%d, R%[1]d", general64(ops[0])) },
	"ANDQ":    func(t *translation, ops []operand.Op) { t.withImmediate("AND", ops) },
	"SHLQ":    func(t *translation, ops []operand.Op) { t.withImmediate("LSL", ops) },
	"SHRQ":    func(t *translation, ops []operand.Op) { t.withImmediate("LSR", ops) },
	"XORQ": func(t *translation, ops []operand.Op) {
		if ops[0] != ops[1] {
			t.fail("XORQ of two registers")
		}
		t.line("MOVD ZR, R%d", general64(ops[0]))
	},
	"IMUL3Q": func(t *translation, ops []operand.Op) {
		n, _ := immediate(ops[0])
		t.line("MOVD $%d, R%d", n, scratchReg)
		t.line("MUL R%d, R%d, R%d", scratchReg, general64(ops[1]), general64(ops[2]))
	},
	"CMPQ": func(t *translation, ops []operand.Op) { t.compare("CMP", ops) },
	"CMPL": func(t *translation, ops []operand.Op) { t.compare("CMPW", ops) },
	"CMOVQGT": func(t *translation, ops []operand.Op) {
		t.line("CSEL GT, R%d, R%d, R%[2]d", general64(ops[0]), general64(ops[1]))
	},
	"CMOVQEQ": func(t *translation, ops []operand.Op) {
		t.line("CSEL EQ, R%d, R%d, R%[2]d", general64(ops[0]), general64(ops[1]))
	},
	"TESTQ":      test,
	"PREFETCHT0": func(t *translation, ops []operand.Op) { t.prefetch(ops[0].(operand.Mem), "PLDL1KEEP") },
	"PREFETCHT1": func(t *translation, ops []operand.Op) { t.prefetch(ops[0].(operand.Mem), "PLDL2KEEP") },
	"VZEROUPPER": func(*translation, []operand.Op) {},
	"RET":        func(t *translation, _ []operand.Op) { t.line("RET") },
}

// prefetch brings the line at m into a cache.
func (t *translation) prefetch(m operand.Mem, to string) {
	base, disp := t.place(m)
	if disp < 0 || disp%8 != 0 || disp > 32760 {
		base, disp = t.pointerTo(base, disp), 0
	}
	t.line("PRFM %d(R%d), %s", disp, base, to)
}

// test translates the comparison of a register, or of some of its bits, with zero.
func test(t *translation, ops []operand.Op) {
	r := general64(ops[1])
	if n, ok := immediate(ops[0]); ok {
		t.line("TST $%d, R%d", n, r)
		return
	}
	if ops[0] != ops[1] {
		t.fail("TESTQ of two registers")
	}
	t.line("CMP $0, R%d", r)
}

// move translates a load, a store, or a copy of a register or an immediate.
func (t *translation) move(load, store string, size int, ops []operand.Op) {
	if m, ok := ops[1].(operand.Mem); ok {
		t.line("%s R%d, %s", store, general64(ops[0]), t.at(m, size))
		return
	}
	to := general64(ops[1])
	switch from := ops[0].(type) {
	case operand.Mem:
		t.line("%s %s, R%d", load, t.at(from, size), to)
	default:
		if n, ok := immediate(from); ok {
			t.line("MOVD $%d, R%d", n, to)
			return
		}
		t.line("%s R%d, R%d", load, general64(from), to)
	}
}

func lea(t *translation, ops []operand.Op) {
	m, to := ops[0].(operand.Mem), general64(ops[1])
	from, n := to, m.Disp
	switch {
	case m.Base != nil && m.Index != nil:
		t.line("ADD %s, R%d, R%d", scaled(general64(m.Index), int(m.Scale)), general64(m.Base), to)
	case m.Base != nil:
		from = general64(m.Base)
	default:
		t.fail("LEAQ without a base")
	}
	switch {
	case n != 0:
		t.addTo(n, from, to)
	case from != to:
		t.line("MOVD R%d, R%d", from, to)
	}
}

// add adds sign times the first operand to the second.
func (t *translation) add(sign int, ops []operand.Op) {
	to := general64(ops[1])
	if n, ok := immediate(ops[0]); ok {
		t.addTo(sign*int(n), to, to)
		return
	}
	name := "ADD"
	if sign < 0 {
		name = "SUB"
	}
	if t.flags {
		name += "S"
	}
	from := scratchReg
	if m, ok := ops[0].(operand.Mem); ok {
		t.line("MOVD %s, R%d", t.at(m, 8), from)
	} else {
		from = general64(ops[0])
	}
	t.line("%s R%d, R%d, R%[3]d", name, from, to)
}

// withImmediate translates an instruction of a register with an immediate.
func (t *translation) withImmediate(name string, ops []operand.Op) {
	n, ok := immediate(ops[0])
	if !ok || t.flags {
		t.fail("%s with other than an immediate, or for its flags", name)
	}
	t.line("%s $%d, R%d, R%[3]d", name, n, general64(ops[1]))
}

// compare translates a comparison, whose operands Go's assembler has the other
// way round for arm64.
func (t *translation) compare(name string, ops []operand.Op) {
	if n, ok := immediate(ops[1]); ok {
		t.line("%s $%d, R%d", name, n, general64(ops[0]))
		return
	}
	t.line("%s R%d, R%d", name, general64(ops[1]), general64(ops[0]))
}
