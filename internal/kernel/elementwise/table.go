package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// rowArgs is the argument of all kernels.
type rowArgs = rowwise.Args

// rowKernels are the kernels for one instruction set. Which pointer is what is
// said where the argument is made, in calls.go. Those with NonTemporal in their
// name store that way, and order their stores.
type rowKernels struct {
	Activate, ActivateGrad [activations]func(a *rowArgs) // the first strided, in both streams

	Add, Mul, AXPY func(a *rowArgs)

	AddBias, SumRows                                                     func(a *rowArgs)
	SplitSum, SplitSumNonTemporal, SplitSumReLU, SplitSumReLUNonTemporal func(a *rowArgs)

	NonTemporalFloats int // see ground.StoresNonTemporal
}

// Table has the kernels of each instruction set that pass over rows.
var Table isa.Table[rowKernels]

// The portable kernels are the Go twins, behind the arguments of the assembly.
func init() {
	Table.Add(isa.Generic, rowKernels{
		Activate: activateTwins(), ActivateGrad: activateGradTwins(),

		Add:  func(a *rowArgs) { addGo(a.All(0), a.All(1), a.All(2)) },
		Mul:  func(a *rowArgs) { mulGo(a.All(0), a.All(1), a.All(2)) },
		AXPY: func(a *rowArgs) { axpyGo(a.K[0], a.All(0), a.All(1)) },

		AddBias:                 func(a *rowArgs) { addBiasGo(a.All(0), a.Channels(2), a.All(1), a.Rows, a.C) },
		SumRows:                 func(a *rowArgs) { sumRowsGo(a.All(0), a.Rows, a.C, a.Channels(1)) },
		SplitSum:                splitSumTwin,
		SplitSumNonTemporal:     splitSumTwin,
		SplitSumReLU:            splitSumTwin,
		SplitSumReLUNonTemporal: splitSumTwin,

		NonTemporalFloats: ground.NeverNonTemporal,
	})
}

// activateTwins are the Go twins of the activations.
func activateTwins() (twins [activations]func(a *rowArgs)) {
	for k := range twins {
		twins[k] = func(a *rowArgs) { activateGo(Activation(k), a.Strided(0), a.Strided(1), a.Rows, a.C, a.Stride) }
	}
	return twins
}

// activateGradTwins are those of their gradients.
func activateGradTwins() (twins [activations]func(a *rowArgs)) {
	for k := range twins {
		twins[k] = func(a *rowArgs) { activateGradGo(Activation(k), a.All(0), a.All(1), a.All(2)) }
	}
	return twins
}

func splitSumTwin(a *rowArgs) {
	splitSumGo(a.Strided(0), a.Strided(1), a.Stride, a.All(2), a.Rows, a.C, a.Channels(3))
}
