package copies

import (
	"context"
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Groups puts pictures that are near-duplicates of each other into one group, and those
// that are duplicates of these, and so on. Pictures that cannot be opened are groups by
// themselves. Every picture is opened and compared with every other: a pair takes about a
// microsecond, so that 20 000 pictures take minutes. It is a data.Grouper.
type Groups struct {
	Limits Limits // the zero value is DefaultLimits
}

var _ data.Grouper = Groups{}

// Groups implements data.Grouper. A group is called as its first picture in the list.
func (g Groups) Groups(ctx context.Context, src data.Source, root string, items []data.Item) ([]string, error) {
	limits := g.Limits
	if limits == (Limits{}) {
		limits = DefaultLimits
	}
	signatures := make([]*Signature, len(items))
	parallel.Each(ctx, len(items), func(i int) {
		if m, err := src.Open(items[i]); err == nil {
			signatures[i] = SignatureOf(m, true)
			m.Free()
		}
	})
	alike := make([][]int, len(items)) // the later pictures that are like an earlier one
	parallel.Each(ctx, len(items), func(i int) {
		for k := i + 1; k < len(items) && ctx.Err() == nil; k++ {
			if signatures[i] == nil || signatures[k] == nil {
				continue
			}
			if _, ok := Compare(signatures[i], signatures[k], limits); ok {
				alike[i] = append(alike[i], k)
			}
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	first := make([]int, len(items)) // towards the first of the group
	for i := range first {
		first[i] = i
	}
	group := func(i int) int {
		for first[i] != i {
			first[i] = first[first[i]]
			i = first[i]
		}
		return i
	}
	for i, later := range alike {
		for _, k := range later {
			a, b := group(i), group(k)
			first[max(a, b)] = min(a, b)
		}
	}
	names := make([]string, len(items))
	for i := range names {
		names[i] = items[group(i)].Path
	}
	return names, nil
}

// String names the grouping in messages.
func (g Groups) String() string {
	if g.Limits != (Limits{}) && g.Limits != DefaultLimits {
		return fmt.Sprintf("near-duplicates (%d bits, color %v)", g.Limits.Bits, g.Limits.Color)
	}
	return "near-duplicates"
}
