package data

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/whippet-ml/whippet/target"
)

// Duplicates finds items whose files are the same byte for byte and returns
// their indices, group by group, in the order of the list. Only files of equal
// length are read. Items that are no files are passed over. The error is only
// ctx's.
func Duplicates(ctx context.Context, items []Item, workers int) ([][]int, error) {
	sizes := make([]int64, len(items))
	err := each(ctx, workers, len(items), func(i int) {
		sizes[i] = -1
		if info, err := os.Stat(items[i].Path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			sizes[i] = info.Size()
		}
	})
	if err != nil {
		return nil, err
	}
	bySize := map[int64][]int{}
	for i, s := range sizes {
		if s > 0 {
			bySize[s] = append(bySize[s], i)
		}
	}
	var read []int
	for _, group := range bySize {
		if len(group) > 1 {
			read = append(read, group...)
		}
	}
	slices.Sort(read)
	sums := make([][sha256.Size]byte, len(read))
	good := make([]bool, len(read))
	err = each(ctx, workers, len(read), func(k int) {
		sums[k], good[k] = hashFile(items[read[k]].Path)
	})
	if err != nil {
		return nil, err
	}
	bySum := map[[sha256.Size]byte][]int{}
	for k, i := range read {
		if good[k] {
			bySum[sums[k]] = append(bySum[sums[k]], i)
		}
	}
	var out [][]int
	for _, group := range bySum {
		if len(group) > 1 {
			out = append(out, group)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i][0] < out[j][0] })
	return out, nil
}

func hashFile(name string) (sum [sha256.Size]byte, ok bool) {
	f, err := os.Open(name)
	if err != nil {
		return sum, false
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, false
	}
	h.Sum(sum[:0])
	return sum, true
}

// labels is what people call item i of y.
func (d *DataLoaders) labels(y target.Targets, i int) string {
	return strings.Join(d.Task().Labels(d.Vocab, y, i), " and ")
}

// warnDuplicates notes pictures that are in training and in validation, which
// makes the result look better than it is, and ones with two labels.
func (d *DataLoaders) warnDuplicates(ctx context.Context) error {
	if d.Block.Check == CheckNone {
		return nil
	}
	nt := len(d.Train.Items())
	items := slices.Concat(d.Train.Items(), d.Valid.Items())
	y := target.Targets{}.Append(d.Train.Targets()).Append(d.Valid.Targets())
	groups, err := Duplicates(ctx, items, d.Block.Workers)
	if err != nil {
		return err
	}
	both, torn := 0, 0
	var inBoth, inTwo string
	for _, g := range groups {
		first, last := g[0], g[len(g)-1] // training comes before validation
		if first < nt && last >= nt {
			if both++; both == 1 {
				inBoth = names(d.Root, []Item{items[first], items[last]})
			}
		}
		for _, i := range g[1:] {
			if !y.Equal(i, first) {
				if torn++; torn == 1 {
					inTwo = fmt.Sprintf("%s (%s, %s)", names(d.Root, []Item{items[first], items[i]}), d.labels(y, first), d.labels(y, i))
				}
				break
			}
		}
	}
	if both > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s both in training and in validation, which flatters the result: the first %s", plural(both, "picture"), inBoth))
	}
	if torn > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s under two labels: the first %s", plural(torn, "picture"), inTwo))
	}
	return nil
}
