package run

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
)

// This file is train --from with a model that has fewer classes than the data: its
// head grows.

// streamGrow is the stream of random numbers of a grown head's new rows.
const streamGrow = 0x67726f77

// grown returns the model of From with the data's classes, and notes it for the user.
func (c Config) grown(dls *data.DataLoaders, model *models.Classifier, info models.Info) (*models.Classifier, error) {
	without := func(all, those []string) (rest []string) {
		for _, v := range all {
			if !slices.Contains(those, v) {
				rest = append(rest, v)
			}
		}
		return rest
	}
	lost, more := without(info.Vocab, dls.Vocab), without(dls.Vocab, info.Vocab)
	switch {
	case len(lost) > 0:
		return nil, fmt.Errorf("--from %s: the model has the classes %.200q, the data %.200q: the data lacks %.200q, which the model would forget: keep pictures of every class that it has, spelled alike, or take its body alone with --weights",
			c.From, strings.Join(info.Vocab, ", "), strings.Join(dls.Vocab, ", "), strings.Join(lost, ", "))
	case len(more) == 0:
		return nil, fmt.Errorf("--from %s: the model has the classes %.200q, the data %.200q, in another order: take its body alone with --weights",
			c.From, strings.Join(info.Vocab, ", "), strings.Join(dls.Vocab, ", "))
	}
	grown, err := models.Grow(model, info, dls.Vocab, rng.New(c.streamSeed(), streamGrow))
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w", c.From, err)
	}
	dls.Notes = append(dls.Notes, fmt.Sprintf("the model of --from learns %d more to its %d classes: %.200s; what its head knows of the others is kept",
		len(more), len(info.Vocab), strings.Join(more, ", ")))
	return grown, nil
}

// Forgotten is what the classes of From's model lost, or won, when it learned further
// ones.
type Forgotten struct {
	Changes []interpret.Change `json:"classes"`
	Known   int                `json:"trained_on"` // of the pictures, the number that From's model was trained on; -1 where nobody noted it
}

// Forgotten judges From's model and the learner's on the validation pictures; nil where the model
// has not grown, or nothing can be judged.
func (c Config) Forgotten(ctx context.Context, l *train.Learner) (*Forgotten, error) {
	if c.From == "" || len(l.DLs.Valid.Items()) == 0 {
		return nil, nil
	}
	from := c.local(c.From)
	model, info, err := models.Load(from)
	if err != nil {
		return nil, err
	}
	if slices.Equal(info.Vocab, l.DLs.Vocab) {
		return nil, nil
	}
	f := &Forgotten{Known: -1}
	if f.Changes, err = interpret.Changes(ctx, l, model, info); err != nil {
		return nil, err
	}
	noted, err := ReadPictures(filepath.Join(filepath.Dir(from), PicturesFile))
	if err != nil {
		return f, nil // another program's model, or a file that was moved
	}
	known := map[string]bool{}
	for _, p := range noted {
		if p.Training && p.Digest != "" {
			known[p.Digest] = true
		}
	}
	now, err := Pictures(ctx, l.DLs)
	if err != nil {
		return nil, err
	}
	f.Known = 0
	for _, p := range now {
		if !p.Training && known[p.Digest] {
			f.Known++
		}
	}
	return f, nil
}
