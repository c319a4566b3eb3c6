// Package clean helps a person to find wrong labels, useless pictures and
// near-duplicates: it picks what is worth looking at, shows it on a local web
// page, and writes what the person decides as a table that training takes.
//
// The pictures themselves are only ever read.
package clean

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/vision"
)

// Picture is one labeled picture of the data.
type Picture struct {
	Path   string // as its source names it
	Name   string // in tables: below the root with slashes, or Path when it is elsewhere
	Labels []int  // indices into the vocabulary, in order; one, unless the set's pictures may have several; none where it is unlabeled
	Valid  bool   // for validation

	Numbers []string // of a set of numbers: their values as text, in the vocabulary's order
}

// Set is all pictures of the data, sorted by name.
type Set struct {
	Vocab     []string
	Several   bool // a picture has any number of labels, not one
	Unlabeled bool // pictures get their labels by decisions, and the table has those that did
	Numbers   bool // a picture has a number for each name of the vocabulary, and no labels
	Pictures  []Picture
	Open      func(path string) (*data.Image, error) // called from several goroutines
}

// NewSet gathers the pictures of loaders that were made of a Block, for a task
// whose items have one class each, any number of labels, or numbers.
func NewSet(d *data.DataLoaders) *Set {
	numbers := task.Continuous(d.Task())
	s := &Set{Vocab: d.Vocab, Several: !d.Task().Exclusive() && !numbers, Numbers: numbers, Open: func(path string) (*data.Image, error) {
		return d.Block.Items.Open(data.Item{Path: path})
	}}
	add := func(l *data.Loader, valid bool) {
		if l == nil {
			return
		}
		for i, it := range l.Items() {
			p := Picture{Path: it.Path, Name: nameIn(d.Root, it.Path), Labels: []int{}, Valid: valid}
			if of := d.Task().Labels(d.Vocab, l.Targets(), i); numbers {
				p.Numbers = of
			} else {
				p.Labels = s.indices(of)
			}
			s.Pictures = append(s.Pictures, p)
		}
	}
	add(d.Train, false)
	add(d.Valid, true)
	slices.SortStableFunc(s.Pictures, func(a, b Picture) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// NewUnlabeled returns a set of picture files without labels, sorted, to which a person gives those of
// the vocabulary, any number to a picture if several. Names in tables are relative to root, or absolute where it is "".
func NewUnlabeled(files []string, root string, vocab []string, several bool) *Set {
	s := &Set{Vocab: vocab, Several: several, Unlabeled: true, Open: func(path string) (*data.Image, error) {
		return vision.ImageFiles.Open(data.Item{Path: path})
	}}
	for _, f := range files {
		s.Pictures = append(s.Pictures, Picture{Path: f, Name: nameIn(root, f), Labels: []int{}})
	}
	return s
}

// nameIn returns the name of a picture in tables.
func nameIn(root, path string) string {
	if root != "" {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// indices returns the places of labels in the vocabulary, in order.
func (s *Set) indices(labels []string) []int {
	at := []int{}
	for _, l := range labels {
		if k := slices.Index(s.Vocab, l); k >= 0 {
			at = append(at, k)
		}
	}
	slices.Sort(at)
	return at
}

// Opinion is what the model says about a picture.
type Opinion struct {
	Loss        float64 `json:"loss"`
	Uncertainty float64 `json:"uncertainty"` // of pictures without labels, instead of the loss
	Answer      []int   `json:"answer"`      // what it would label the picture, indices into the vocabulary, in order
	Top         []Guess `json:"top"`         // the most probable classes, best first

	Numbers []string `json:"numbers,omitempty"` // of a set of numbers: the predicted ones as text
}

// Guess is a class and its probability.
type Guess struct {
	Class int     `json:"class"`
	Prob  float32 `json:"prob"`
}

// How many guesses are shown: of one label, and of any number, among which are those that
// the picture should perhaps have.
const (
	topGuesses     = 3
	severalGuesses = 8
)

// Case is something to look at: one picture that the model doubts, or a pair
// of a training picture and a validation picture that look alike.
type Case struct {
	Pictures []int   `json:"pictures"` // indices into the set; of a pair, training first
	Bits     int     `json:"bits"`     // of a pair: by how much the hashes differ
	Color    float64 `json:"color"`
	How      string  `json:"how"`   // of a pair: how one was made from the other, such as "mirrored", as far as that is known
	Alike    float64 `json:"alike"` // of a pair: correlation of the edges, 0 where it was not asked for
}

// Queue is the cases in the order in which they are shown, and the model's
// opinion of the pictures in them.
type Queue struct {
	Cases    []Case
	Opinions map[int]Opinion
}

// NewQueue takes the top pictures with the highest loss in the tables (all that
// are above zero when there are fewer) and the pairs. Of equal losses the first
// of the tables comes first.
func NewQueue(s *Set, tables []*interpret.Table, top int, pairs []Pair) *Queue {
	byPath := make(map[string][]int, len(s.Pictures))
	for i, p := range s.Pictures {
		byPath[p.Path] = append(byPath[p.Path], i)
	}
	q := &Queue{Opinions: map[int]Opinion{}}
	all := map[int]Opinion{}
	var order []int
	for _, t := range tables {
		for _, row := range t.TopLosses(0) {
			same := byPath[row.Path]
			if len(same) == 0 {
				continue
			}
			i := same[0] // a table may name a picture twice: each row stands for one
			byPath[row.Path] = same[1:]
			all[i] = s.opinion(row.Row)
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b].Loss, all[a].Loss) })
	for _, i := range order[:min(max(top, 0), len(order))] {
		q.Cases = append(q.Cases, Case{Pictures: []int{i}})
		q.Opinions[i] = all[i]
	}
	for _, p := range pairs {
		q.Cases = append(q.Cases, Case{Pictures: []int{p.Train, p.Valid}, Bits: p.Bits, Color: p.Color, How: p.Copy.String(), Alike: p.Copy.Alike})
		for _, i := range []int{p.Train, p.Valid} {
			if o, ok := all[i]; ok {
				q.Opinions[i] = o
			}
		}
	}
	return q
}

// opinion is what a row of a table says.
func (s *Set) opinion(p interpret.Row) Opinion {
	o, guesses := Opinion{Loss: float64(p.Loss), Answer: []int{p.Predicted}}, topGuesses
	if s.Several {
		o.Answer, guesses = s.indices(p.Answers), severalGuesses
	}
	if s.Numbers {
		return Opinion{Loss: float64(p.Loss), Answer: []int{}, Top: []Guess{}, Numbers: p.Answers}
	}
	for c, v := range p.Probs {
		at, _ := slices.BinarySearchFunc(o.Top, v, func(g Guess, v float32) int {
			if g.Prob >= v {
				return -1
			}
			return 1
		})
		if at < guesses {
			o.Top = slices.Insert(o.Top, at, Guess{c, v})
			o.Top = o.Top[:min(len(o.Top), guesses)]
		}
	}
	return o
}
