package norm

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// rowArgs is the argument of all kernels.
type rowArgs = rowwise.Args

// kernels are the kernels for one instruction set. Which pointer is what is said
// where the argument is made, in calls.go. Those with NonTemporal in their name
// store that way, and order their stores.
type kernels struct {
	Stats                                                                    func(a *rowArgs)
	ScaleShift, ScaleShiftNonTemporal                                        func(a *rowArgs)
	ScaleShiftReLU, ScaleShiftReLUNonTemporal                                func(a *rowArgs)
	ScaleShiftAdd, ScaleShiftAddNonTemporal                                  func(a *rowArgs)
	ScaleShiftAddReLU, ScaleShiftAddReLUNonTemporal                          func(a *rowArgs)
	ScaleShiftReLUMask, ScaleShiftReLUMaskNonTemporal                        func(a *rowArgs)
	ScaleShiftAddReLUMask, ScaleShiftAddReLUMaskNonTemporal                  func(a *rowArgs)
	MaskGrad                                                                 func(a *rowArgs)
	BNReduce, BNReduceY, BNReduceX, BNReduceMask                             func(a *rowArgs)
	BNGrad, BNGradX, BNGradMask                                              func(a *rowArgs)
	BNGradRes, BNGradResNonTemporal, BNGradMaskRes, BNGradMaskResNonTemporal func(a *rowArgs)

	NonTemporalFloats int // see ground.StoresNonTemporal
}

// Table has the kernels of each instruction set.
var Table isa.Table[kernels]

// The portable kernels are the Go twins, behind the arguments of the assembly.
func init() {
	Table.Add(isa.Generic, kernels{
		Stats: func(a *rowArgs) { statsGo(a.All(0), a.Channels(1), a.Rows, a.C, a.Channels(2), a.Channels(3)) },

		ScaleShift:                       scaleShiftTwin,
		ScaleShiftNonTemporal:            scaleShiftTwin,
		ScaleShiftAdd:                    scaleShiftTwin,
		ScaleShiftAddNonTemporal:         scaleShiftTwin,
		ScaleShiftReLU:                   scaleShiftReLUTwin,
		ScaleShiftReLUNonTemporal:        scaleShiftReLUTwin,
		ScaleShiftAddReLU:                scaleShiftReLUTwin,
		ScaleShiftAddReLUNonTemporal:     scaleShiftReLUTwin,
		ScaleShiftReLUMask:               scaleShiftMaskTwin,
		ScaleShiftReLUMaskNonTemporal:    scaleShiftMaskTwin,
		ScaleShiftAddReLUMask:            scaleShiftMaskTwin,
		ScaleShiftAddReLUMaskNonTemporal: scaleShiftMaskTwin,

		MaskGrad: func(a *rowArgs) { maskGradGo(a.All(0), words(a, 1), a.All(2), a.Rows, a.C) },

		BNReduce:     func(a *rowArgs) { bnReduceTwin(a, Mask{}) },
		BNReduceY:    func(a *rowArgs) { bnReduceTwin(a, Mask{Y: a.All(2)}) },
		BNReduceX:    func(a *rowArgs) { bnReduceTwin(a, maskOfX(a)) },
		BNReduceMask: func(a *rowArgs) { bnReduceTwin(a, Mask{Words: words(a, 2)}) },

		BNGrad:                   func(a *rowArgs) { bnGradTwin(a, Mask{}, nil) },
		BNGradX:                  func(a *rowArgs) { bnGradTwin(a, maskOfX(a), nil) },
		BNGradMask:               func(a *rowArgs) { bnGradTwin(a, Mask{Words: words(a, 7)}, nil) },
		BNGradRes:                func(a *rowArgs) { bnGradTwin(a, Mask{}, a.All(8)) },
		BNGradResNonTemporal:     func(a *rowArgs) { bnGradTwin(a, Mask{}, a.All(8)) },
		BNGradMaskRes:            func(a *rowArgs) { bnGradTwin(a, Mask{Words: words(a, 7)}, a.All(8)) },
		BNGradMaskResNonTemporal: func(a *rowArgs) { bnGradTwin(a, Mask{Words: words(a, 7)}, a.All(8)) },

		NonTemporalFloats: ground.NeverNonTemporal,
	})
}

// words is what pointer i has of the mask of [rows, c].
func words(a *rowArgs, i int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(a.P[i])), MaskWords(a.Rows, a.C))
}

// maskOfX is a mask by the sign of x*scale+shift, for BNReduceX and BNGradX.
func maskOfX(a *rowArgs) Mask { return Mask{Scale: a.Channels(7), Shift: a.Channels(8)} }

func scaleShiftTwin(a *rowArgs) {
	scaleShiftGo(a.All(0), a.Channels(2), a.Channels(3), a.All(4), a.All(1), a.Rows, a.C, false)
}

func scaleShiftReLUTwin(a *rowArgs) {
	scaleShiftGo(a.All(0), a.Channels(2), a.Channels(3), a.All(4), a.All(1), a.Rows, a.C, true)
}

func scaleShiftMaskTwin(a *rowArgs) {
	scaleShiftReLUTwin(a)
	maskGo(a.All(1), words(a, 5), a.Rows, a.C)
}

func bnReduceTwin(a *rowArgs, m Mask) {
	bnReduceGo(a.All(0), a.All(1), a.Channels(3), m, a.Rows, a.C, a.Channels(4), a.Channels(5))
}

func bnGradTwin(a *rowArgs, m Mask, dres []float32) {
	k := Coefficients{a.Channels(3), a.Channels(4), a.Channels(5), a.Channels(6)}
	bnGradGo(a.All(0), a.All(1), m, k, a.Rows, a.C, a.All(2), dres)
}
