package interpret

import "github.com/whippet-ml/whippet/confidence"

// FitConformal chooses sets of classes with a coverage by the table's rows that have exactly
// one class; see confidence.FitConformal.
func (t *Table) FitConformal(coverage float64) (*confidence.Conformal, error) {
	rows := t.classed()
	probs, class := make([][]float32, len(rows)), make([]int, len(rows))
	for i, r := range rows {
		probs[i], class[i] = r.Probs, r.Actual
	}
	return confidence.FitConformal(probs, class, coverage)
}

// Sets is what sets of classes are on a table's rows.
type Sets struct {
	Wanted  float64   `json:"wanted"`    // the coverage that the model states
	Covered float64   `json:"covered"`   // the share of rows whose set has their class
	Mean    float64   `json:"mean_size"` // classes in a set
	Sizes   []SetSize `json:"sizes"`     // that occurred, from the smallest
	// Worst is the class whose rows are covered the least: a coverage is of all pictures together, not of each class.
	Worst ClassCover `json:"worst_class"`
}

// SetSize is the rows whose sets have one number of classes.
type SetSize struct {
	Size    int     `json:"size"`
	Count   int     `json:"pictures"`
	Covered float64 `json:"covered"` // the share of them whose set has their class
}

// ClassCover is how often sets have a class that is the right one.
type ClassCover struct {
	Class   string  `json:"class"`
	Count   int     `json:"pictures"`
	Covered float64 `json:"covered"`
}

// Sets returns what c's sets are on the table's rows that have exactly one class; the zero Sets, but for Wanted, of a
// table without.
func (t *Table) Sets(c confidence.Conformal) Sets {
	s := Sets{Wanted: c.Coverage}
	rows := t.classed()
	of, hit := make([]int, len(t.Vocab)), make([]int, len(t.Vocab))
	bySize, hitBySize := make([]int, len(t.Vocab)+1), make([]int, len(t.Vocab)+1)
	var all, sum int
	for _, r := range rows {
		set := c.Set(r.Probs)
		of[r.Actual]++
		bySize[len(set)]++
		sum += len(set)
		for _, k := range set {
			if k == r.Actual {
				hit[k]++
				hitBySize[len(set)]++
				all++
			}
		}
	}
	if len(rows) == 0 {
		return s
	}
	s.Covered, s.Mean = float64(all)/float64(len(rows)), float64(sum)/float64(len(rows))
	for n, count := range bySize {
		if count > 0 {
			s.Sizes = append(s.Sizes, SetSize{Size: n, Count: count, Covered: float64(hitBySize[n]) / float64(count)})
		}
	}
	for k, count := range of {
		if count == 0 {
			continue
		}
		if c := float64(hit[k]) / float64(count); s.Worst.Count == 0 || c < s.Worst.Covered {
			s.Worst = ClassCover{Class: t.Name(k), Count: count, Covered: c}
		}
	}
	return s
}
