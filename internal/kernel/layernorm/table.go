package layernorm

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// args is the argument of all kernels. The assembly is generated with the offsets
// of its fields: after a change, run go generate in asm.
type args struct {
	X            *float32 // [Rows,C]
	Y            *float32 // [Rows,C]; in the backward pass the gradient of it
	DX           *float32 // [Rows,C]
	Weight, Bias *float32 // [C]
	DWeight      *float32 // [C]
	DBias        *float32 // [C]
	Mean, Rstd   *float32 // [Rows]
	Rows, C      int      // at least 1
	InvC, Eps    float32  // InvC: 1/C
}

// kernels are the kernels for one instruction set.
type kernels struct {
	Forward, Backward, BackwardAdd func(p *args)
}

// Table has the kernels of each instruction set.
var Table isa.Table[kernels]

func init() {
	Table.Add(isa.Generic, kernels{
		Forward:     forwardGo,
		Backward:    func(p *args) { backwardGo(p, false) },
		BackwardAdd: func(p *args) { backwardGo(p, true) },
	})
}

// floats returns n floats at p.
func floats(p *float32, n int) []float32 { return unsafe.Slice(p, n) }
