package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
)

// This file decides which pictures a saved model is judged on, and says so: a
// model that is judged on what it has learned by heart looks better than it is.

// judgment is which pictures are judged.
type judgment struct {
	Judged    int    `json:"judged"`
	Pictures  int    `json:"of"`         // that were found
	Why       string `json:"why"`        // these and no others
	TrainedOn int    `json:"trained_on"` // of the judged ones; -1 where nobody noted what the model was trained on
	Example   string `json:"example,omitempty"`
}

// String says it in one line.
func (g judgment) String() string {
	s := fmt.Sprintf("judging %d of %d pictures: %s", g.Judged, g.Pictures, g.Why)
	switch {
	case g.TrainedOn > 0:
		s += fmt.Sprintf("; %d of them were trained on (%s and others like it), so the scores flatter the model", g.TrainedOn, g.Example)
		if g.TrainedOn == 1 {
			s = fmt.Sprintf("judging %d of %d pictures: %s; 1 of them was trained on (%s), so the scores flatter the model", g.Judged, g.Pictures, g.Why, g.Example)
		}
	case g.TrainedOn == 0:
		s += "; none of them was trained on"
	}
	return s
}

// choose decides which pictures of the plan are judged. Those of the training's
// data are split as they were then; of others the model has seen none, so that
// all count, unless a split is asked for.
func (j *judged) choose(plan *data.Block, changed func(string) bool) {
	switch {
	case j.all:
		plan.Split, j.why = data.AllValid, "--all was given"
	case resplit(changed):
		j.why = fmt.Sprintf("the validation set by --valid %s", j.Valid)
	case !changed("data") || j.sameData():
		j.why = fmt.Sprintf("the validation set of the training, %s (--all takes all)", j.Valid)
	default:
		plan.Split, j.why = data.AllValid, "they are not the data that the model was trained on (--valid takes a part)"
	}
}

// resplit reports whether a flag asks for another split than that of the training.
func resplit(changed func(string) bool) bool {
	return changed("valid") || changed("split-seed") || changed("group") || changed("stratify")
}

// sameData reports whether --data names what the model was trained on.
func (j *judged) sameData() bool {
	trained := j.trained
	if j.Data == trained.Data && (trained.Dir == "" || filepath.IsAbs(j.Data)) {
		return true
	}
	there := trained.Data
	if trained.Dir != "" && !filepath.IsAbs(there) {
		there = filepath.Join(trained.Dir, there)
	}
	a, errA := os.Stat(j.Data)
	b, errB := os.Stat(there)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// judgment counts what is judged, and how much of it the model was trained on:
// by the content of the files, where the run's folder beside the model says what
// they were.
func (j *judged) judgment(ctx context.Context, dls *data.DataLoaders) (judgment, error) {
	g := judgment{Judged: len(dls.Valid.Items()), Pictures: len(dls.Train.Items()) + len(dls.Valid.Items()), Why: j.why, TrainedOn: -1}
	noted, err := run.ReadPictures(filepath.Join(filepath.Dir(j.path), run.PicturesFile))
	if errors.Is(err, os.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return g, err
	}
	training := make(map[string]bool, len(noted))
	for _, p := range noted {
		if p.Training && p.Digest != "" {
			training[p.Digest] = true
		}
	}
	now, err := run.Pictures(ctx, dls)
	if err != nil {
		return g, err
	}
	g.TrainedOn = 0
	for _, p := range now {
		if !p.Training && training[p.Digest] {
			if g.TrainedOn == 0 {
				g.Example = p.Path
			}
			g.TrainedOn++
		}
	}
	return g, nil
}
