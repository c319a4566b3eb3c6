package attention

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// rowArgs is the argument of all kernels.
type rowArgs = rowwise.Args

// rowKernels are the kernels for one instruction set, for rows whose length is a
// multiple of columnStep. Which pointer is what is said in softmax.go.
type rowKernels struct {
	Softmax, SoftmaxGrad func(a *rowArgs)
}

// columnStep divides the length of rows of scores: whole vectors of every instruction
// set, and whole steps of the matrix product.
const columnStep = 16

// Table has the kernels of each instruction set.
var Table isa.Table[rowKernels]

func init() {
	Table.Add(isa.Generic, rowKernels{
		Softmax:     func(a *rowArgs) { softmaxGo(a.All(0), a.Rows, a.C, a.K[0]) },
		SoftmaxGrad: func(a *rowArgs) { softmaxGradGo(a.All(0), a.All(1), a.Rows, a.C, a.K[0]) },
	})
}

// softmax turns rows of scores x [rows,c] into probabilities in place.
func softmax(x []float32, rows, c int, scale float32) {
	Table.Active().Softmax(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(x)}, Rows: rows, C: c, K: [8]float32{scale}}))
}

// softmaxGrad turns g [rows,c], the gradient of the probabilities p, into that of the
// scores.
func softmaxGrad(p, g []float32, rows, c int, scale float32) {
	Table.Active().SoftmaxGrad(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(p), ground.Ptr(g)}, Rows: rows, C: c, K: [8]float32{scale}}))
}
