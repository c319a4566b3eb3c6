// Package tensor holds the one array type that the rest of Whippet passes
// around: a shape and float32 storage, row-major and contiguous.
//
// Activations are NHWC ([batch, height, width, channels]): the channel is the
// innermost dimension everywhere, because it is the vector dimension of every
// kernel. Convolution weights are [KH, KW, C, K] inside the program and
// [K, C, KH, KW] (torchvision's layout) in files; see package nn.
package tensor

import (
	"fmt"
	"math"
)

// Tensor is a dense row-major float32 array. len(Data) equals the product of
// Shape. Both fields may be read and written directly; a Tensor does not hide
// its storage and never shares it silently.
type Tensor struct {
	Shape []int
	Data  []float32
}

// New returns a zeroed tensor of the given shape. It panics when a dimension
// is negative or the size overflows int: shapes are the program's own.
func New(shape ...int) *Tensor {
	return &Tensor{Shape: append([]int(nil), shape...), Data: make([]float32, Size(shape...))}
}

// FromSlice wraps data, without copying, as a tensor of the given shape. It
// panics when the lengths disagree.
func FromSlice(data []float32, shape ...int) *Tensor {
	if n := Size(shape...); n != len(data) {
		panic(fmt.Sprintf("tensor: shape %v needs %d values, the slice has %d", shape, n, len(data)))
	}
	return &Tensor{Shape: append([]int(nil), shape...), Data: data}
}

// Size returns the number of elements of a shape, 1 for a scalar.
func Size(shape ...int) int {
	n := 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > math.MaxInt/d) {
			panic(fmt.Sprintf("tensor: impossible shape %v", shape))
		}
		n *= d
	}
	return n
}

// Dim returns dimension i; negative i counts from the end.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.Shape)
	}
	return t.Shape[i]
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return len(t.Data) }

// Clone returns a deep copy.
func (t *Tensor) Clone() *Tensor {
	return &Tensor{Shape: append([]int(nil), t.Shape...), Data: append([]float32(nil), t.Data...)}
}

// Reshape returns a tensor that shares t's storage under another shape of the
// same size. It panics when the sizes disagree.
func (t *Tensor) Reshape(shape ...int) *Tensor { return FromSlice(t.Data, shape...) }

// Zero sets every element to 0.
func (t *Tensor) Zero() { clear(t.Data) }

// SameShape reports whether two shapes are equal.
func SameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
