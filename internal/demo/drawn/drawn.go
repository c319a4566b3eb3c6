// Package drawn makes up pictures: cartoons of invented cat and dog breeds on
// cluttered backgrounds, and of twenty other things, drawn from a seed. They
// let the whole of Whippet be tried, shown and tested offline, without anyone's
// photographs.
//
// Breeds differ in the pattern of the coat (stripes, spots, patches, solid), in
// ears (pointed, folded, floppy, round), in fur and in build. Colors, poses,
// sizes, positions and backgrounds overlap between breeds on purpose, so that a
// linear model on pixels fails and a convolutional network has something to
// learn. Objects, the second set, has the same patterns, outlines and
// backgrounds on other things: a network pretrained on it transfers to breeds,
// as one trained on ImageNet does to photographs of pets.
//
// A picture depends on (task, seed, class, index, size) alone: the same
// arguments give the same pixels, in any order and on any number of threads.
// Apart from pixel noise, size changes the resolution and not the content.
package drawn

import (
	"fmt"
	"image"
	"slices"

	"github.com/whippet-ml/whippet/rng"
)

// Task is a family of classes to draw.
type Task int

const (
	// Breeds is ten invented breeds: five cats, whose names begin with a capital,
	// and five dogs, whose names do not, as in Oxford-IIIT Pet.
	Breeds Task = iota
	// Objects is twenty other things, for pretraining.
	Objects
)

// MaxSize is the largest side that Draw accepts, in pixels.
const MaxSize = 4096

// String names the task as the command line does: "breeds" or "objects".
func (t Task) String() string {
	switch t {
	case Breeds:
		return "breeds"
	case Objects:
		return "objects"
	}
	return fmt.Sprintf("Task(%d)", int(t))
}

// Classes returns the names of the task's classes in the order of their
// numbers, which is sorted as fastai sorts a vocabulary. It is nil for a task
// that does not exist.
func (t Task) Classes() []string {
	var names []string
	switch t {
	case Breeds:
		for _, b := range breeds {
			names = append(names, b.name)
		}
	case Objects:
		for _, o := range objects {
			names = append(names, o.name)
		}
	}
	return names
}

// Class returns the number of the class with the given name.
func (t Task) Class(name string) (int, error) {
	if i := slices.Index(t.Classes(), name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("drawn: no class %q in task %s; it has %v", name, t, t.Classes())
}

// Draw returns the picture of a class with the given index, size×size pixels,
// opaque. It returns an error when the class is not in 0..len(Classes())-1, the
// index is negative or the size is not in 8..MaxSize.
func (t Task) Draw(seed uint64, class, index, size int) (*image.RGBA, error) {
	n := len(t.Classes())
	switch {
	case n == 0:
		return nil, fmt.Errorf("drawn: there is no %s; use Breeds or Objects", t)
	case class < 0 || class >= n:
		return nil, fmt.Errorf("drawn: class %d is not in 0..%d of task %s", class, n-1, t)
	case index < 0:
		return nil, fmt.Errorf("drawn: index %d is negative", index)
	case size < 8 || size > MaxSize:
		return nil, fmt.Errorf("drawn: size %d is not in 8..%d pixels", size, MaxSize)
	}
	r := rng.New(seed, uint64(t), uint64(class), uint64(index))
	c := newCanvas(size)
	sc := newScene(r)
	sc.back(c, r)
	if t == Breeds {
		drawPet(c, r, breeds[class])
	} else {
		drawObject(c, r, objects[class])
	}
	sc.front(c, r)
	return c.develop(r), nil
}
