package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// Folded is labeled pictures and the folds of cross-validation that they are divided into.
type Folded struct {
	Task     task.Task
	Vocab    []string
	Source   data.Source
	Items    []data.Item
	Targets  target.Targets
	Pictures []Picture // of Items, in their order; nil where they are no files
	Train    [][]int   // of each fold, indices into Items
	Valid    [][]int
}

// Fold divides the run's pictures, in root, into n folds by its --split-seed, --group and --stratify. What belongs
// together is looked for once.
func (c Config) Fold(ctx context.Context, root string, n int) (*Folded, error) {
	by, err := c.grouper()
	if err != nil {
		return nil, err
	}
	if by != nil {
		by = &groupedOnce{by: by}
	}
	plan, err := c.Block(root)
	if err != nil {
		return nil, err
	}
	plan.BatchSize, plan.ValidBatchSize, plan.Balance, plan.Repeats = 1, 1, false, 0 // nothing goes through the loaders
	var f *Folded
	at := map[string]int{}
	for k := 1; k <= n; k++ {
		plan.Split = data.FoldSplit(k, n, c.SplitSeed, data.Grouping{By: by, Stratify: c.Stratify})
		dls, err := plan.DataLoaders(ctx, root)
		if err != nil {
			return nil, err
		}
		if f == nil {
			f = &Folded{Task: dls.Task(), Vocab: dls.Vocab, Source: dls.Train.Config().Source}
			plan.Vocab = dls.Vocab
			for _, l := range []*data.Loader{dls.Train, dls.Valid} {
				f.Items = append(f.Items, l.Items()...)
				f.addTargets(l.Targets())
			}
			if f.Pictures, err = Pictures(ctx, dls); err != nil {
				return nil, errors.Join(err, dls.Close())
			}
			for i, it := range f.Items {
				if _, twice := at[it.Path]; twice {
					return nil, errors.Join(fmt.Errorf("the picture %s is listed twice: folds would have it on both sides", it.Path), dls.Close())
				}
				at[it.Path] = i
			}
		}
		index := func(items []data.Item) []int {
			out := make([]int, len(items))
			for i, it := range items {
				out[i] = at[it.Path]
			}
			return out
		}
		f.Train, f.Valid = append(f.Train, index(dls.Train.Items())), append(f.Valid, index(dls.Valid.Items()))
		if err := dls.Close(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// addTargets appends those of further items.
func (f *Folded) addTargets(y target.Targets) {
	f.Targets.Class = append(f.Targets.Class, y.Class...)
	if y.Values == nil {
		return
	}
	c := y.Values.Shape[1]
	var before []float32
	if f.Targets.Values != nil {
		before = f.Targets.Values.Data
	}
	all := append(before, y.Values.Data...)
	f.Targets.Values = tensor.FromSlice(all, len(all)/c, c)
}

// groupedOnce keeps what another Grouper says of the same items.
type groupedOnce struct {
	by    data.Grouper
	names map[string]string // of paths
}

// Groups implements data.Grouper.
func (g *groupedOnce) Groups(ctx context.Context, src data.Source, root string, items []data.Item) ([]string, error) {
	out := make([]string, len(items))
	known := len(g.names) > 0
	for i, it := range items {
		name, ok := g.names[it.Path]
		known = known && ok
		out[i] = name
	}
	if known {
		return out, nil
	}
	out, err := g.by.Groups(ctx, src, root, items)
	if err != nil {
		return nil, err
	}
	g.names = make(map[string]string, len(items))
	for i, it := range items {
		g.names[it.Path] = out[i]
	}
	return out, nil
}

// String describes the groups as the Grouper does.
func (g *groupedOnce) String() string { return fmt.Sprint(g.by) }

// TrainedOn returns how many of the pictures a model was trained on, by their content: that of a run, or a
// file in its folder. It is 0 for anything else, of which nobody noted that.
func (f *Folded) TrainedOn(model string) (int, error) {
	path, err := FindModel(model)
	if err != nil {
		return 0, nil // a published one
	}
	noted, err := ReadPictures(filepath.Join(filepath.Dir(path), PicturesFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	training := map[string]bool{}
	for _, p := range noted {
		if p.Training && p.Digest != "" {
			training[p.Digest] = true
		}
	}
	n := 0
	for _, p := range f.Pictures {
		if training[p.Digest] {
			n++
		}
	}
	return n, nil
}
