package pretrained

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/hub"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

// Weights are weights that a name stood for, and what is known of them before they
// are read.
type Weights struct {
	// Name is what to call them in messages.
	Name string
	// Fixed is a name that stands for the same weights later too: of the Hub's, with the
	// commit. Find understands it.
	Fixed string
	// Arch is the network that they are of; nil for a file that says nothing about
	// itself.
	Arch *models.Architecture
	// Configured says that Classes, Labels, License and Preprocess are known.
	Configured bool
	Classes    int      // that the authors' head tells apart; 0 for a body alone
	Labels     []string // of the classes
	License    string   // as the Hub calls it; "" if it is not stated
	// Preprocess is how the authors prepare pictures.
	Preprocess preprocess.Config

	file   string // where they are, "" before a download
	url    string // of torchvision's
	repo   hub.Repo
	loaded *weights.File
	o      Options
}

// Options says how weights are found. The zero value has defaults.
type Options struct {
	// Progress is called now and then during a download, with the bytes that came and
	// those of the whole file, -1 if not known.
	Progress func(file string, done, total int64)
}

// Load reads the weights, downloading them if need be.
func (w *Weights) Load(ctx context.Context) (*weights.File, error) {
	if w.loaded != nil {
		f := w.loaded
		w.loaded = nil // it may be changed by who takes it
		return f, nil
	}
	path, err := w.Path(ctx)
	if err != nil {
		return nil, err
	}
	return weights.Load(path)
}

// Path returns the file of the weights, downloading it if need be.
func (w *Weights) Path(ctx context.Context) (string, error) {
	var err error
	switch {
	case w.file != "":
	case w.url != "":
		w.file, err = w.o.download(ctx, w.url)
	default:
		w.file, err = w.o.fromHub(ctx, w.repo)
	}
	if err != nil {
		return "", fmt.Errorf("pretrained: %s: %w", w.Name, err)
	}
	return w.file, nil
}

// Classifier makes a classifier of the weights with their authors' head, and describes
// it: it classifies pictures as they are. It returns an error for weights without a
// head, and for those whose configuration is not known.
func (w *Weights) Classifier(ctx context.Context) (*models.Classifier, models.Info, error) {
	fail := func(err error) (*models.Classifier, models.Info, error) {
		return nil, models.Info{}, fmt.Errorf("pretrained: %s: %w", w.Name, err)
	}
	switch {
	case w.Arch == nil || !w.Configured:
		return fail(fmt.Errorf("there is no %s beside the weights to say what they are of", ConfigFile))
	case w.Classes == 0:
		return fail(fmt.Errorf("these are weights of a body without a head (num_classes is 0): train one on them with whippet train --weights"))
	}
	f, err := w.Load(ctx)
	if err != nil {
		return nil, models.Info{}, err
	}
	c, err := models.ImportOwnHead(f, w.Arch)
	if err != nil {
		return fail(err)
	}
	if c.Classes != w.Classes {
		return fail(fmt.Errorf("the head is for %d classes, the configuration says %d", c.Classes, w.Classes))
	}
	notes, err := json.Marshal(map[string]any{"source": Source{Weights: w.Fixed, License: w.License}})
	if err != nil {
		return fail(err)
	}
	return c, models.Info{Arch: w.Arch.Name, Vocab: w.Labels, Preprocess: w.Preprocess, Training: notes}, nil
}

// Source is what the notes of a model (models.Info.Training) have under "source" when
// it was not trained here: the weights it is, and their license.
type Source struct {
	Weights string `json:"weights"`
	License string `json:"license,omitempty"`
}

// Body makes a classifier of the weights of which only the body counts: its head, for one
// class, is drawn at random, and its description has no vocabulary. It returns an error for
// weights whose configuration is not known.
func (w *Weights) Body(ctx context.Context) (*models.Classifier, models.Info, error) {
	if w.Arch == nil || !w.Configured {
		return nil, models.Info{}, fmt.Errorf("pretrained: %s: there is no %s beside the weights to say what they are of", w.Name, ConfigFile)
	}
	f, err := w.Load(ctx)
	if err != nil {
		return nil, models.Info{}, err
	}
	c := models.NewOwnHead(w.Arch, 1, nil)
	if err := c.SetBody(f); err != nil {
		return nil, models.Info{}, fmt.Errorf("pretrained: %s: %w", w.Name, err)
	}
	return c, models.Info{Arch: w.Arch.Name, Preprocess: w.Preprocess}, nil
}

// Open returns the classifier that a name stands for, ready to use: a model that
// Whippet saved, its file or the folder of its run; a folder or a file of weights in
// the Hub's layout; or what Find finds.
func Open(ctx context.Context, name string, o Options) (*models.Classifier, models.Info, error) {
	return o.open(ctx, name, (*Weights).Classifier)
}

// OpenBody is Open for those who use nothing but the classifier's body; of published weights
// see Weights.Body.
func OpenBody(ctx context.Context, name string, o Options) (*models.Classifier, models.Info, error) {
	return o.open(ctx, name, (*Weights).Body)
}

func (o Options) open(ctx context.Context, name string, make func(*Weights, context.Context) (*models.Classifier, models.Info, error)) (*models.Classifier, models.Info, error) {
	if path := SavedModel(name); path != "" {
		f, err := weights.Load(path)
		if err != nil {
			return nil, models.Info{}, err
		}
		c, info, err := models.FromFile(f)
		if err == nil || !errors.Is(err, models.ErrNoClassifier) || !isFile(filepath.Join(filepath.Dir(path), ConfigFile)) {
			if err != nil {
				err = fmt.Errorf("models: %s: %w", path, err)
			}
			return c, info, err
		}
		w, werr := o.fromFile(path)
		if werr != nil {
			return nil, models.Info{}, werr
		}
		if !w.Configured {
			return nil, models.Info{}, fmt.Errorf("models: %s: %w", path, err)
		}
		w.loaded = f
		return make(w, ctx)
	}
	w, err := Find(ctx, name, nil, o)
	if err != nil {
		return nil, models.Info{}, err
	}
	return make(w, ctx)
}
