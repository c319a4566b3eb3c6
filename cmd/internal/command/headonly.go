package command

import (
	"context"
	"path/filepath"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/internal/fetch"
	"github.com/whippet-ml/whippet/train"
)

// featureOptions are those of commands that need features: kept for the next time, with a bar that
// shows how far they are.
func featureOptions(workers int, p *printer) (features.Options, error) {
	home, err := fetch.Home()
	if err != nil {
		return features.Options{}, err
	}
	return features.Options{Workers: workers, Cache: filepath.Join(home, "features"),
		Progress: func(done, total int) { p.progress("features", done, total, "pictures") }}, nil
}

// fitHead is the training of --head-only.
func (f *trainFlags) fitHead(ctx context.Context, l *train.Learner, p *printer) error {
	o, err := featureOptions(f.workers, p)
	if err != nil {
		return err
	}
	return f.FitHead(ctx, l, o)
}
