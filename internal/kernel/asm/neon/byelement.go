package neon

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A product of a vector with one float needs the float in a single lane of a register:
// amd64 has it broadcast.

// Scalar loads the float at m into the lowest lane of x.
func Scalar(m operand.Op, x reg.Register) *ir.Instruction {
	return &ir.Instruction{Opcode: part + "SCALAR", Operands: []operand.Op{m, x}, Inputs: []operand.Op{m}, Outputs: []operand.Op{x}}
}

// FusedByScalar adds to sum the vector y times the lowest lane of x.
func FusedByScalar(y, x, sum reg.Register) *ir.Instruction {
	return &ir.Instruction{Opcode: part + "FUSED", Operands: []operand.Op{y, x, sum}, Inputs: []operand.Op{y, x, sum}, Outputs: []operand.Op{sum}}
}

func init() {
	vectors[part+"SCALAR"] = func(t *translation, ops []operand.Op) {
		t.line("FMOVS %s, F%d", t.at(ops[0].(operand.Mem), 4), half(ops[1], 0))
	}
	vectors[part+"FUSED"] = func(t *translation, ops []operand.Op) {
		for h := range 2 {
			t.word("fused by element", half(ops[2], h), half(ops[0], h), half(ops[1], 0))
		}
	}
}
