package nn

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Kind tells what an entry of the state is, which decides its layout, whether
// weight decay applies to it and whether it trains while frozen.
type Kind int

// The kinds of state. Norm parameters and biases take no weight decay in
// fastai; the norm parameters of a frozen body train all the same.
const (
	ConvWeight Kind = iota
	LinearWeight
	Bias
	NormScale
	NormShift
	RunningMean
	RunningVar
	BatchCount  // num_batches_tracked, a scalar
	OtherWeight // what is neither weight of a layer nor part of a norm: factors, tokens, positions
	Given       // a buffer that no training changes
)

// Entry is one parameter or buffer of a model. What it points to is open to
// programs with a training loop of their own, which take Param's value and
// gradient to the optimizer (examples/loop); who only wants the numbers need not
// know which of the three it is: Values, Get and Set.
type Entry struct {
	Name   string
	Kind   Kind
	Shape  []int               // torch's shape; empty for a scalar
	Param  *autograd.Parameter // nil for buffers
	Buffer []float32           // running statistics and what is given; nil for parameters
	Count  *int64              // BatchCount only
}

// IsNorm reports whether the entry belongs to a normalization layer.
func (e Entry) IsNorm() bool {
	return e.Kind == NormScale || e.Kind == NormShift || e.Kind == RunningMean || e.Kind == RunningVar || e.Kind == BatchCount
}

// Decays reports whether weight decay applies: not for norm parameters and
// biases (fastai's rule, wd_bn_bias=False).
func (e Entry) Decays() bool {
	return e.Kind == ConvWeight || e.Kind == LinearWeight || e.Kind == OtherWeight
}

// Values returns the entry's own values in the layout of memory, not a copy; nil
// for a counter.
func (e Entry) Values() []float32 {
	if e.Param != nil {
		return e.Param.Value.Data
	}
	return e.Buffer
}

// Get returns a copy of the entry's values in torch's layout.
func (e Entry) Get() []float32 {
	if e.Count != nil {
		return []float32{float32(*e.Count)}
	}
	return e.ToTorch(e.Values())
}

// Array returns a copy of the entry in torch's layout: an integer for a
// counter, float32 for everything else.
func (e Entry) Array() weights.Array {
	if e.Count != nil {
		return weights.Array{Name: e.Name, Shape: e.Shape, DType: weights.I64, I64: []int64{*e.Count}}
	}
	return weights.Array{Name: e.Name, Shape: e.Shape, F32: e.Get()}
}

// memoryArray is Array in the layout of memory, as one row.
func (e Entry) memoryArray() weights.Array {
	if e.Count != nil {
		return weights.Array{Name: e.Name, Shape: []int{}, DType: weights.I64, I64: []int64{*e.Count}}
	}
	v := slices.Clone(e.Values())
	return weights.Array{Name: e.Name, Shape: []int{len(v)}, F32: v}
}

// setArray stores an array in torch's layout; a counter's may be missing, which
// means 0.
func (e Entry) setArray(a *weights.Array) error {
	switch {
	case e.Count != nil && a == nil:
		*e.Count = 0
	case e.Count != nil && a.DType == weights.I64:
		*e.Count = a.I64[0]
	default:
		return e.Set(a.Float32s())
	}
	return nil
}

// ToTorch returns a copy of values (the parameter's own, its gradient, its
// optimizer state) in torch's layout.
func (e Entry) ToTorch(values []float32) []float32 {
	if e.Kind != ConvWeight {
		return append([]float32(nil), values...)
	}
	k, c, kh, kw := e.Shape[0], e.Shape[1], e.Shape[2], e.Shape[3]
	out := make([]float32, len(values))
	for h := range kh {
		for w := range kw {
			for ci := range c {
				src := values[((h*kw+w)*c+ci)*k:][:k]
				for ki, v := range src {
					out[((ki*c+ci)*kh+h)*kw+w] = v
				}
			}
		}
	}
	return out
}

// FromTorch is the inverse of ToTorch, into dst.
func (e Entry) FromTorch(dst, values []float32) {
	if e.Kind != ConvWeight {
		copy(dst, values)
		return
	}
	k, c, kh, kw := e.Shape[0], e.Shape[1], e.Shape[2], e.Shape[3]
	for h := range kh {
		for w := range kw {
			for ci := range c {
				d := dst[((h*kw+w)*c+ci)*k:][:k]
				for ki := range d {
					d[ki] = values[((ki*c+ci)*kh+h)*kw+w]
				}
			}
		}
	}
}

// Set stores values given in torch's layout.
func (e Entry) Set(values []float32) error {
	if want := tensor.Size(e.Shape...); len(values) != want {
		return fmt.Errorf("%s: %d values for shape %v, want %d", e.Name, len(values), e.Shape, want)
	}
	if e.Count != nil {
		*e.Count = int64(values[0])
		return nil
	}
	e.FromTorch(e.Values(), values)
	return nil
}
