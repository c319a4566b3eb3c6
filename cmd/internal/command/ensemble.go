package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/cmd/internal/parts"
	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/predict"
)

// openPredictor returns the predictor that models stand for, and their files: several, and
// the folds of a folder, answer together.
func openPredictor(ctx context.Context, names []string, o predict.Options) (p *predict.Predictor, files []string, err error) {
	var members []*predict.Predictor
	var of []string
	for _, name := range names {
		folds, err := run.FoldModels(name)
		if err != nil {
			return nil, nil, err
		}
		if folds == nil {
			folds = []string{name}
		}
		for _, name := range folds {
			file, model, err := sourceFile(ctx, name)
			if err != nil {
				return nil, nil, err
			}
			c, info, err := openModel(ctx, model)
			if err != nil {
				return nil, nil, err
			}
			m, err := predict.New(c, info, o)
			if err != nil {
				return nil, nil, err
			}
			members, files, of = append(members, m), append(files, file), append(of, name)
		}
	}
	p, err = predict.Ensemble(members...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (the models are %s)", err, strings.Join(of, ", "))
	}
	return p, files, nil
}

// digestOf tells models from others by their files.
func digestOf(files []string) (string, error) {
	var all []string
	for _, f := range files {
		d, err := parts.FileDigest(f)
		if err != nil {
			return "", err
		}
		all = append(all, d)
	}
	return strings.Join(all, "+"), nil
}
