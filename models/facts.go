package models

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// Facts are what one chooses a network by, and what tells whether a file may be of it.
type Facts struct {
	Parameters int     // with the authors' head for 1000 classes
	MACs       float64 // multiplications, each with an addition, of all matrix products for one picture
	Size       int     // side of that picture, in pixels: the default weights', or 224 without published weights

	bodyValues int    // parameters and running statistics of the body
	bodyShapes uint64 // a bit for each shape that they have; see shapeBit
}

// Facts returns what is known of a without building it: of the networks of this
// package from a table, of others by building them once. It returns an error for a
// network that cannot take its own size of pictures.
func (a *Architecture) Facts() (Facts, error) {
	if f, ok := builtinNamed(a); ok {
		return f, nil
	}
	return a.facts()
}

// builtinNamed returns the facts of a if it is of this package.
func builtinNamed(a *Architecture) (Facts, bool) {
	i, ok := slices.BinarySearchFunc(builtinFacts[:], a.Name, func(f namedFacts, name string) int { return strings.Compare(f.name, name) })
	if known, err := ByName(a.Name); !ok || err != nil || known != a {
		return Facts{}, false
	}
	return builtinFacts[i].Facts, true
}

// namedFacts is a row of builtinFacts.
type namedFacts struct {
	name string
	Facts
}

// inputSize is the side of the pictures of the default weights.
func (a *Architecture) inputSize() int {
	if len(a.Weights) > 0 {
		return a.Weights[0].Preprocess.Size
	}
	return max(224, a.MinSize)
}

// facts builds the network to count.
func (a *Architecture) facts() (Facts, error) {
	f := Facts{Size: a.inputSize()}
	whole := a.Full(1000, nil)
	for _, e := range nn.Parameters(whole) {
		f.Parameters += sizeOf(e.Shape)
	}
	each, err := nn.BuildGraph(whole).MACs([]int{1, f.Size, f.Size, 3})
	if err != nil {
		return Facts{}, fmt.Errorf("models: %s: %w", a.Name, err)
	}
	for _, n := range each {
		f.MACs += n
	}
	l, err := a.layout()
	if err != nil {
		return Facts{}, fmt.Errorf("models: %w", err)
	}
	for _, s := range l.body {
		_, positions := l.prefixes[s.Name]
		if len(s.Shape) > 0 && !positions { // files may lack counters, and differ in positions
			f.bodyValues += sizeOf(s.Shape)
			f.bodyShapes |= shapeBit(s.Shape)
		}
	}
	return f, nil
}

func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// shapeBit is one of 64 bits, chosen by a hash of the shape without sizes of 1.
func shapeBit(shape []int) uint64 {
	h := fnv.New64a()
	for _, d := range withoutOnes(shape) {
		fmt.Fprintf(h, "%d,", d)
	}
	return 1 << (h.Sum64() >> 58)
}

// mayBeIn reports whether arrays of these shapes may hold the body; false is certain.
func (f Facts) mayBeIn(values int, shapes uint64) bool {
	return f.bodyValues <= values && f.bodyShapes&^shapes == 0
}

// arraysOf sums up the arrays of a file for mayBeIn.
func arraysOf(f *weights.File) (values int, shapes uint64) {
	for i := range f.Arrays {
		if s := f.Arrays[i].Shape; len(s) > 0 {
			values += sizeOf(s)
			shapes |= shapeBit(s)
		}
	}
	return values, shapes
}

// mostAlike returns the few registered architectures whose bodies' arrays are the most
// like those of f.
func mostAlike(f *weights.File) ([]*Architecture, error) {
	const few = 4
	values, shapes := arraysOf(f)
	type distance struct {
		arch           *Architecture
		shapes, values int
	}
	var found []distance
	for _, a := range all() {
		facts, err := a.Facts()
		if err != nil {
			return nil, err
		}
		found = append(found, distance{a, bits.OnesCount64(facts.bodyShapes &^ shapes), max(facts.bodyValues-values, values-facts.bodyValues)})
	}
	slices.SortStableFunc(found, func(x, y distance) int {
		return cmp.Or(cmp.Compare(x.shapes, y.shapes), cmp.Compare(x.values, y.values))
	})
	var these []*Architecture
	for _, d := range found[:min(few, len(found))] {
		these = append(these, d.arch)
	}
	return these, nil
}

// candidates returns the registered architectures that f may have the body of, but for
// those that are ByNameOnly.
func candidates(f *weights.File) ([]*Architecture, error) {
	values, shapes := arraysOf(f)
	var found []*Architecture
	for _, a := range all() {
		facts, err := a.Facts()
		if err != nil {
			return nil, err
		}
		if !a.ByNameOnly && facts.mayBeIn(values, shapes) {
			found = append(found, a)
		}
	}
	return found, nil
}
