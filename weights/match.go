package weights

import (
	"fmt"
	"slices"
	"strings"
)

// Spec is the name and shape of a parameter that a network has.
type Spec struct {
	Name  string
	Shape []int
}

// ShapeDifference is a parameter whose shape in the file is not the network's.
type ShapeDifference struct {
	Name      string
	Want, Got []int
}

// MismatchError lists how a file differs from what a network needs.
type MismatchError struct {
	Missing    []string // in the network, not in the file
	Unexpected []string // in the file, not in the network
	Shapes     []ShapeDifference
}

// maxListed bounds each list in the message; the fields have all of it.
const maxListed = 8

// Error says how many names differ in each way and lists the first of them.
func (e *MismatchError) Error() string {
	var parts []string
	add := func(what string, count int, item func(i int) string) {
		if count == 0 {
			return
		}
		shown := make([]string, min(count, maxListed))
		for i := range shown {
			shown[i] = item(i)
		}
		s := fmt.Sprintf("%d %s: %s", count, what, strings.Join(shown, ", "))
		if count > maxListed {
			s += fmt.Sprintf(" and %d more", count-maxListed)
		}
		parts = append(parts, s)
	}
	add("missing", len(e.Missing), func(i int) string { return quote(e.Missing[i]) })
	add("unexpected", len(e.Unexpected), func(i int) string { return quote(e.Unexpected[i]) })
	add("of another shape", len(e.Shapes), func(i int) string {
		d := e.Shapes[i]
		return fmt.Sprintf("%s is %v in the file and %v in the network", quote(d.Name), d.Got, d.Want)
	})
	return "weights: the file does not fit the network; " + strings.Join(parts, "; ")
}

// Match compares the names and shapes of got with what a network wants, and
// returns nil or a *MismatchError with the differences in the order of want
// and of the file. A counter "….num_batches_tracked" of a batch norm may be
// missing, as in files from before PyTorch 0.4.1, or unexpected: nothing but a
// batch norm without momentum, which no network here has, computes with it.
func Match(want []Spec, got *File) error {
	arrays := make(map[string]*Array, len(got.Arrays))
	for i := range got.Arrays {
		arrays[got.Arrays[i].Name] = &got.Arrays[i]
	}
	e := &MismatchError{}
	wanted := make(map[string]bool, len(want))
	for _, w := range want {
		wanted[w.Name] = true
		a := arrays[w.Name]
		switch {
		case a == nil && !isCounter(w.Name):
			e.Missing = append(e.Missing, w.Name)
		case a != nil && !slices.Equal(a.Shape, w.Shape):
			e.Shapes = append(e.Shapes, ShapeDifference{Name: w.Name, Want: w.Shape, Got: a.Shape})
		}
	}
	for i := range got.Arrays {
		if name := got.Arrays[i].Name; !wanted[name] && !isCounter(name) {
			e.Unexpected = append(e.Unexpected, name)
		}
	}
	if len(e.Missing)+len(e.Unexpected)+len(e.Shapes) == 0 {
		return nil
	}
	return e
}

func isCounter(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }
