package elementwise

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// rowArgs is the argument of the kernels that go through rows of c floats:
// pointers, counts, and constants. A flat kernel has one row. The assembly is
// generated with the offsets of its fields: after a change, run go generate in
// asm; so for windowArgs.
type rowArgs struct {
	p       [9]*float32
	rows, c int
	stride  int // of the streams that the kernel lets be strided
	k       [8]float32
}

// rowKernels are the kernels for one instruction set that pass over rows once:
// elementwise work, sums over rows, batch normalization, optimizer steps. Which
// pointer is what is said where the argument is made, in calls.go. Those
// with NonTemporal in their name store that way, and order their stores.
type rowKernels struct {
	Activate, ActivateGrad [activations]func(a *rowArgs) // the first strided, in both streams

	Add, Mul, AXPY, ScaleAdd func(a *rowArgs)

	AddBias, SumRows                                                         func(a *rowArgs)
	SplitSum, SplitSumNonTemporal, SplitSumReLU, SplitSumReLUNonTemporal     func(a *rowArgs)
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

	Adam func(a *rowArgs)

	NonTemporalFloats int // see ground.StoresNonTemporal
}

// Table has the kernels of each instruction set that pass over rows.
var Table isa.Table[rowKernels]

// The portable kernels are the Go twins, behind the arguments of the assembly.
func init() {
	Table.Add(isa.Generic, rowKernels{
		Activate: activateTwins(), ActivateGrad: activateGradTwins(),

		Add:      func(a *rowArgs) { addGo(a.all(0), a.all(1), a.all(2)) },
		Mul:      func(a *rowArgs) { mulGo(a.all(0), a.all(1), a.all(2)) },
		AXPY:     func(a *rowArgs) { axpyGo(a.k[0], a.all(0), a.all(1)) },
		ScaleAdd: func(a *rowArgs) { scaleAddGo(a.k[0], a.all(0), a.k[1], a.all(1)) },

		AddBias:                 func(a *rowArgs) { addBiasGo(a.all(0), a.channels(2), a.all(1), a.rows, a.c) },
		SumRows:                 func(a *rowArgs) { sumRowsGo(a.all(0), a.rows, a.c, a.channels(1)) },
		SplitSum:                splitSumTwin,
		SplitSumNonTemporal:     splitSumTwin,
		SplitSumReLU:            splitSumTwin,
		SplitSumReLUNonTemporal: splitSumTwin,
		Stats:                   func(a *rowArgs) { statsGo(a.all(0), a.channels(1), a.rows, a.c, a.channels(2), a.channels(3)) },

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

		MaskGrad: func(a *rowArgs) { maskGradGo(a.all(0), a.words(1), a.all(2), a.rows, a.c) },

		BNReduce:     func(a *rowArgs) { bnReduceTwin(a, Mask{}) },
		BNReduceY:    func(a *rowArgs) { bnReduceTwin(a, Mask{Y: a.all(2)}) },
		BNReduceX:    func(a *rowArgs) { bnReduceTwin(a, a.maskOfX()) },
		BNReduceMask: func(a *rowArgs) { bnReduceTwin(a, Mask{Words: a.words(2)}) },

		BNGrad:                   func(a *rowArgs) { bnGradTwin(a, Mask{}, nil) },
		BNGradX:                  func(a *rowArgs) { bnGradTwin(a, a.maskOfX(), nil) },
		BNGradMask:               func(a *rowArgs) { bnGradTwin(a, Mask{Words: a.words(7)}, nil) },
		BNGradRes:                func(a *rowArgs) { bnGradTwin(a, Mask{}, a.all(8)) },
		BNGradResNonTemporal:     func(a *rowArgs) { bnGradTwin(a, Mask{}, a.all(8)) },
		BNGradMaskRes:            func(a *rowArgs) { bnGradTwin(a, Mask{Words: a.words(7)}, a.all(8)) },
		BNGradMaskResNonTemporal: func(a *rowArgs) { bnGradTwin(a, Mask{Words: a.words(7)}, a.all(8)) },

		Adam: func(a *rowArgs) {
			k := a.k
			adamGo(a.all(0), a.all(1), a.all(2), a.all(3), &adamConstants{k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7]})
		},

		NonTemporalFloats: ground.NeverNonTemporal,
	})
}

// activateTwins are the Go twins of the activations.
func activateTwins() (twins [activations]func(a *rowArgs)) {
	for k := range twins {
		twins[k] = func(a *rowArgs) { activateGo(Activation(k), a.strided(0), a.strided(1), a.rows, a.c, a.stride) }
	}
	return twins
}

// activateGradTwins are those of their gradients.
func activateGradTwins() (twins [activations]func(a *rowArgs)) {
	for k := range twins {
		twins[k] = func(a *rowArgs) { activateGradGo(Activation(k), a.all(0), a.all(1), a.all(2)) }
	}
	return twins
}

// floats returns n floats at pointer i, or nil when that is.
func (a *rowArgs) floats(i, n int) []float32 {
	if a.p[i] == nil {
		return nil
	}
	return unsafe.Slice(a.p[i], n)
}

// all is what pointer i has of [rows, c].
func (a *rowArgs) all(i int) []float32 { return a.floats(i, a.rows*a.c) }

// strided is all of a stream whose rows are stride apart.
func (a *rowArgs) strided(i int) []float32 { return a.floats(i, (a.rows-1)*a.stride+a.c) }

// channels is what pointer i has of [c].
func (a *rowArgs) channels(i int) []float32 { return a.floats(i, a.c) }

// words is what pointer i has of the mask of [rows, c].
func (a *rowArgs) words(i int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(a.p[i])), MaskWords(a.rows, a.c))
}

// maskOfX is a mask by the sign of x*scale+shift, for BNReduceX and BNGradX.
func (a *rowArgs) maskOfX() Mask { return Mask{Scale: a.channels(7), Shift: a.channels(8)} }

func splitSumTwin(a *rowArgs) {
	splitSumGo(a.strided(0), a.strided(1), a.stride, a.all(2), a.rows, a.c, a.channels(3))
}

func scaleShiftTwin(a *rowArgs) {
	scaleShiftGo(a.all(0), a.channels(2), a.channels(3), a.all(4), a.all(1), a.rows, a.c, false)
}

func scaleShiftReLUTwin(a *rowArgs) {
	scaleShiftGo(a.all(0), a.channels(2), a.channels(3), a.all(4), a.all(1), a.rows, a.c, true)
}

func scaleShiftMaskTwin(a *rowArgs) {
	scaleShiftReLUTwin(a)
	maskGo(a.all(1), a.words(5), a.rows, a.c)
}

func bnReduceTwin(a *rowArgs, m Mask) {
	bnReduceGo(a.all(0), a.all(1), a.channels(3), m, a.rows, a.c, a.channels(4), a.channels(5))
}

func bnGradTwin(a *rowArgs, m Mask, dres []float32) {
	k := NormCoefficients{a.channels(3), a.channels(4), a.channels(5), a.channels(6)}
	bnGradGo(a.all(0), a.all(1), m, k, a.rows, a.c, a.all(2), dres)
}
