package elementwise

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Epilogue is what an operation does to its result y, [pixels, K], at the end,
// while the values are in registers or in the nearest cache:
//
//	y = activation(value + Bias + Residual)
//
// The zero Epilogue changes nothing.
type Epilogue struct {
	Bias       []float32 // [K], or nil
	Residual   []float32 // [pixels, K], or nil; may share memory with y only if it is exactly y
	Activation Activation

	// Mask, unless nil, receives where a ReLU passed, for its backward pass:
	// MaskWords(pixels, K) words. Only ScaleShift has it.
	Mask []uint16

	// Stride is the distance from a pixel of y to the next in floats, at least
	// K; 0 means K. With more, y is a slice of the channels of a wider tensor.
	Stride int
}

// Split divides the activation between the kernels, which apply ReLU while a
// value is in a register, and Activation.Tile, which applies any other right
// after them; the part that does not occur is false or Identity. It panics on an
// activation that does not exist.
func (e *Epilogue) Split(op string) (relu bool, after Activation) {
	e.Activation.check(op)
	if e.Activation == ReLU {
		return true, Identity
	}
	return false, e.Activation
}

// Distance returns the distance between pixels of k channels, after it has
// checked the lengths of y and of what is added to it.
func (e *Epilogue) Distance(op string, pixels, k int, y []float32) int {
	ground.NeedOptional(op, "Epilogue.Bias", e.Bias, k)
	ground.NeedOptional(op, "Epilogue.Residual", e.Residual, pixels*k)
	if e.Mask != nil {
		panic(op + ": it makes no mask: leave Epilogue.Mask nil, and take the mask from the result")
	}
	s := e.Stride
	if s == 0 {
		s = k
	}
	if s < k || len(y) < (pixels-1)*s+k {
		panic(fmt.Sprintf("%s: %d pixels of %d channels at stride %d do not fit an output of %d values", op, pixels, k, s, len(y)))
	}
	return s
}

// InputGrad says where an operation's gradient of its input x [rows, C] goes.
type InputGrad struct {
	// DX receives the gradient, [rows, C]; it is overwritten, or with Add added
	// to.
	DX  []float32
	Add bool

	// ReLU, unless nil, says that x is the result of a ReLU, through which the
	// gradient goes on. DX, unless nil, is then what other operations that read x
	// contribute, and its content is undefined afterwards; with a single part of
	// ReLU its DZ may be DX.
	ReLU *ReLUGrad
}

// Check panics unless the slices have the lengths of x [rows, c].
func (to *InputGrad) Check(op string, rows, c int) {
	if to.ReLU == nil {
		ground.Need(op, "InputGrad.DX", len(to.DX), rows*c)
		return
	}
	ground.NeedOptional(op, "InputGrad.DX", to.DX, rows*c)
	to.ReLU.check(op, rows, c)
}
