package nn

import (
	"fmt"

	"github.com/whippet-ml/whippet/weights"
)

// StateDict is the state of a model or of a part of it: parameters, running
// statistics and counters under their dotted names, in the order of PyTorch's
// state dict. Its entries refer to the model's own memory.
type StateDict []Entry

// Parameters returns the entries that training moves by their gradients.
func (d StateDict) Parameters() StateDict {
	var out StateDict
	for _, e := range d {
		if e.Param != nil {
			out = append(out, e)
		}
	}
	return out
}

// ZeroGrad clears the gradients of all parameters.
func (d StateDict) ZeroGrad() {
	for _, e := range d {
		if e.Param != nil {
			e.Param.ZeroGrad()
		}
	}
}

// Specs returns the names and shapes of all entries, in PyTorch's layout.
func (d StateDict) Specs() []weights.Spec {
	out := make([]weights.Spec, len(d))
	for i, e := range d {
		out[i] = weights.Spec{Name: e.Name, Shape: e.Shape}
	}
	return out
}

// Arrays returns copies of all entries in PyTorch's layout: what a file of
// weights holds.
func (d StateDict) Arrays() []weights.Array {
	out := make([]weights.Array, len(d))
	for i, e := range d {
		out[i] = e.Array()
	}
	return out
}

// FirstNotFinite returns the name of the first parameter or running statistic
// with a value that is NaN or infinite, "" when all are finite.
func (d StateDict) FirstNotFinite() string {
	for _, e := range d {
		for _, v := range e.Values() {
			if v-v != 0 {
				return e.Name
			}
		}
	}
	return ""
}

// Check reports why Load would refuse f, nil when it would not.
func (d StateDict) Check(f *weights.File) error {
	have := byName(f)
	var want []weights.Spec
	for _, e := range d {
		if e.Kind != BatchCount || have[e.Name] != nil {
			want = append(want, weights.Spec{Name: e.Name, Shape: e.Shape})
		}
	}
	if err := weights.Match(want, f); err != nil {
		return err
	}
	for _, e := range d {
		if e.Kind != BatchCount {
			if err := checkValues(have[e.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Load puts all arrays of f, in PyTorch's layout, into the model; their names
// must be those of d. Otherwise the error lists the missing, unexpected and
// wrongly shaped ones, and the model is unchanged; so it is when a parameter
// holds integers, or values that are not finite. A missing num_batches_tracked
// (files of old versions of PyTorch) is taken as 0.
func (d StateDict) Load(f *weights.File) error {
	if err := d.Check(f); err != nil {
		return err
	}
	have := byName(f)
	for _, e := range d {
		if err := e.setArray(have[e.Name]); err != nil {
			return err
		}
	}
	return nil
}

func byName(f *weights.File) map[string]*weights.Array {
	m := make(map[string]*weights.Array, len(f.Arrays))
	for i := range f.Arrays {
		m[f.Arrays[i].Name] = &f.Arrays[i]
	}
	return m
}

// checkValues refuses what no network can be made of, before anything of it is
// changed: the names alone do not tell that a file is of a quantized network, or
// of a training that diverged.
func checkValues(a *weights.Array) error {
	if a.DType != weights.F32 && a.DType != weights.F64 {
		return fmt.Errorf("nn: parameter %q holds integers (%s); want floating point numbers, so save the network before it is quantized", a.Name, a.DType)
	}
	for i, v := range a.Float32s() {
		if v-v != 0 { // infinite or NaN
			return fmt.Errorf("nn: parameter %q is not finite (value %d is %v): the training it comes from diverged, or the file is damaged", a.Name, i, v)
		}
	}
	return nil
}
