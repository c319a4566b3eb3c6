package neon

import (
	"fmt"
	"log"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// translation is one function on its way to arm64.
type translation struct {
	name      string
	text      strings.Builder
	constants *constants
	labels    int // of this package's own, so far

	addresses map[address]int // registers that hold them
	recent    []address       // the same, the oldest first
	masks     map[int]bool    // vectors whose lanes are all ones or all zeros
	locals    int             // bytes of local variables
	flags     bool            // whether the instruction under way must set the flags
}

// function translates fn.
func (t *translation) function(fn *ir.Function) {
	flags, frame := "NOSPLIT", 0
	if t.locals = fn.LocalSize; t.locals > 0 {
		flags, frame = "0", (t.locals+localsAt+15)&^15
	}
	fmt.Fprintf(&t.text, "\n// %s\nTEXT ·%s(SB), %s, $%d-%d\n", fn.Stub(), fn.Name, flags, frame, fn.ArgumentBytes())
	started := false
	for i, n := range fn.Nodes {
		switch n := n.(type) {
		case *ir.Comment:
			for _, l := range n.Lines {
				t.line("// %s", l)
			}
		case ir.Label:
			t.forget()
			fmt.Fprintf(&t.text, "\n%s:\n", n)
		case *ir.Instruction:
			if !started && t.usesConstants(fn) {
				t.line("MOVD $%s, R%d", constantsName, constantsReg)
			}
			if !started && t.locals > 0 {
				t.line("ADD $%d, RSP, R%d", localsAt, localsReg)
			}
			started = true
			t.flags = setsFlags(n, fn.Nodes[i+1:])
			t.instruction(n)
		}
	}
}

// usesConstants reports whether fn reads the table of constants.
func (t *translation) usesConstants(fn *ir.Function) bool {
	for _, i := range fn.Instructions() {
		if i.Opcode == part+"KEEP" || i.Opcode == "VMOVMSKPS" {
			return true
		}
		for _, op := range i.Operands {
			if m, ok := op.(operand.Mem); ok && m.Base == reg.StaticBase {
				return true
			}
		}
	}
	return false
}

// instruction translates one instruction.
func (t *translation) instruction(i *ir.Instruction) {
	if w, ok := general[i.Opcode]; ok {
		w(t, i.Operands)
	} else if w, ok := vectors[i.Opcode]; ok {
		w(t, i.Operands)
		t.note(i)
	} else if i.IsBranch {
		t.branch(i)
	} else {
		t.fail("instruction %s is not known", i.Opcode)
	}
	for _, r := range i.OutputRegisters() {
		if r.Kind() == reg.KindGP {
			t.changed(general64(r))
		}
	}
}

func (t *translation) fail(format string, args ...any) {
	log.Fatalf("neon: %s: %s", t.name, fmt.Sprintf(format, args...))
}

// line writes a line.
func (t *translation) line(format string, args ...any) {
	fmt.Fprintf(&t.text, "\t"+format+"\n", args...)
}

// label returns the name of a new label.
func (t *translation) label() string {
	t.labels++
	return fmt.Sprintf("part%d", t.labels)
}

// Registers that no instruction of avo's program has.
const (
	constantsReg = 4
	partReg      = 24
	scratchReg   = 25
	scratchReg2  = 26
	scratch      = 30 // vectors
	scratch2     = 31
)

// localsAt is where the local variables begin, in bytes from the stack's end: the
// address to which the function returns lies below them.
const (
	localsAt  = 16
	localsReg = 23 // holds their address in functions that have some
)

// addressRegs hold addresses.
var addressRegs = []int{16, 17, 19, 20, 21, 22, 23}

// general64 is the number of a general register.
func general64(op operand.Op) int {
	r, ok := op.(reg.Physical)
	if !ok || r.Kind() != reg.KindGP {
		log.Fatalf("neon: %s is no general register", op.Asm())
	}
	return int(r.PhysicalIndex())
}

// isGeneral reports whether op is a general register.
func isGeneral(op operand.Op) bool {
	r, ok := op.(reg.Physical)
	return ok && r.Kind() == reg.KindGP
}

// isVector reports whether op is a vector register.
func isVector(op operand.Op) bool {
	r, ok := op.(reg.Physical)
	return ok && r.Kind() == reg.KindVector
}

// half is the register of half h of a vector.
func half(op operand.Op, h int) int {
	r, ok := op.(reg.Physical)
	if !ok || r.Kind() != reg.KindVector {
		log.Fatalf("neon: %s is no vector", op.Asm())
	}
	n := 2*int(r.PhysicalIndex()) + h
	if n >= scratch {
		log.Fatalf("neon: %s: more than 15 vectors are in use at once", op.Asm())
	}
	return n
}

// halves is how many halves a vector has: 1 or 2.
func halves(op operand.Op) int { return int(op.(reg.Register).Size()) / 16 }

// immediate is the value of an immediate operand.
func immediate(op operand.Op) (int64, bool) {
	switch v := op.(type) {
	case operand.U8:
		return int64(v), true
	case operand.U16:
		return int64(v), true
	case operand.U32:
		return int64(v), true
	case operand.U64:
		return int64(v), true
	case operand.I8:
		return int64(v), true
	case operand.I16:
		return int64(v), true
	case operand.I32:
		return int64(v), true
	case operand.I64:
		return int64(v), true
	}
	return 0, false
}
