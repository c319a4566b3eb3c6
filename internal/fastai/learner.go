package fastai

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

// ErrNoLearner means that a file holds no Learner.
var ErrNoLearner = errors.New("the file holds no learner that fastai exported")

// Learner is what an exported Learner says about predictions.
type Learner struct {
	Network
	Vocab []string // the classes, in the network's order
	// Preprocess is what happens to a picture. Its Size is 0 where pictures have
	// the size that they come with.
	Preprocess preprocess.Config
	// Notes says, a sentence each, what was passed over and where predictions may
	// look different.
	Notes []string
}

// Options changes how Load reads a file.
type Options struct {
	// Ignore names functions, transforms and callbacks that are passed over even
	// where they might change a picture.
	Ignore []string
}

// Load reads the exported Learner at path. It returns ErrNoLearner (wrapped) when
// something else is in the file, and an error that names what in the Learner has
// no equal here. Errors name the path.
func Load(path string, o Options) (*Learner, error) {
	s, err := weights.OpenSaved(path)
	if errors.Is(err, weights.ErrNotSaved) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoLearner)
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	l, err := read(s, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func read(s *weights.Saved, o Options) (*Learner, error) {
	root := s.Value()
	if class, _ := classOf(root); class != "fastai.learner.Learner" && pickle.Attr(root, "dls") == nil {
		return nil, ErrNoLearner
	}
	if model := pickle.Attr(root, "model"); model == nil {
		return nil, errors.New("the learner has no model")
	}
	l := &Learner{}
	p := &pipeline{file: s, ignore: o.Ignore, config: preprocess.Config{RawEXIF: true, Stats: preprocess.NoStats}}
	var err error
	if l.Vocab, err = p.data(pickle.Attr(root, "dls")); err != nil {
		return nil, err
	}
	if err := p.loss(pickle.Attr(root, "loss_func")); err != nil {
		return nil, err
	}
	if err := p.callbacks(pickle.Attr(root, "cbs")); err != nil {
		return nil, err
	}
	if l.Network, err = readNetwork(s, pickle.Attr(root, "model"), pickle.Attr(root, "arch")); err != nil {
		return nil, err
	}
	if l.Classes != len(l.Vocab) {
		return nil, fmt.Errorf("the vocabulary has %d classes and the network's last layer %d", len(l.Vocab), l.Classes)
	}
	l.Preprocess, l.Notes = p.config, p.notes
	return l, nil
}

// data reads the transforms of validation from a learner's DataLoaders and returns
// the vocabulary.
func (p *pipeline) data(dls any) ([]string, error) {
	loaders, err := few("loaders of the learner's dls", pickle.Attr(dls, "loaders"))
	if err != nil {
		return nil, err
	}
	if len(loaders) == 0 {
		return nil, errors.New("the learner's dls have no loader")
	}
	loader := loaders[min(1, len(loaders)-1)] // of validation, as learner.predict has it
	dataset := pickle.Attr(loader, "dataset")
	lists, err := few("the dataset's tls", pickle.Attr(dataset, "tls"))
	if err != nil {
		class, _ := classOf(dataset)
		return nil, fmt.Errorf("the data is a %s, not the Datasets of a DataBlock: %w", shown(class), err)
	}
	inputs, _ := integer(pickle.Attr(dataset, "n_inp"))
	if inputs != 1 || len(lists) != 2 {
		return nil, fmt.Errorf("the data has %d inputs and %d in all; Whippet classifies a picture: one of each", inputs, len(lists)-inputs)
	}
	opening, err := p.list(lists[0], "tfms")
	if err != nil {
		return nil, err
	}
	if err := p.opens(opening); err != nil {
		return nil, err
	}
	for _, stage := range []struct{ attribute, name string }{{"after_item", "item_tfms"}, {"before_batch", "before_batch"}, {"after_batch", "batch_tfms"}} {
		list, err := p.list(loader, stage.attribute)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if err := p.apply(stage.name, t); err != nil {
				return nil, err
			}
		}
	}
	if !p.scaled {
		return nil, errors.New("batch_tfms lack IntToFloatTensor, so that samples reach the network as 0 to 255; Whippet scales them to 0 to 1")
	}
	if p.config.Size == 0 {
		p.config.Size = p.config.Presize
	}
	labels, err := p.list(lists[1], "tfms")
	if err != nil {
		return nil, err
	}
	return p.labels(labels)
}

// list returns the transforms of a Pipeline.
func (p *pipeline) list(of any, attribute string) ([]any, error) {
	v := pickle.Attr(of, attribute)
	if v == nil {
		return nil, nil
	}
	return few("transforms of "+attribute, pickle.Attr(v, "fs"))
}

// labels reads the transforms that make a target of an item.
func (p *pipeline) labels(list []any) (vocab []string, err error) {
	for _, t := range list {
		switch class, own := classOf(t); class {
		case "fastai.data.transforms.Categorize":
			if vocab != nil {
				return nil, errors.New("the data has two vocabularies")
			}
			if vocab, err = vocabulary(pickle.Attr(t, "vocab")); err != nil {
				return nil, err
			}
		case "fastai.data.transforms.MultiCategorize", "fastai.data.transforms.EncodedMultiCategorize", "fastai.data.transforms.OneHotEncode":
			return nil, fmt.Errorf("this is a classifier of several labels for a picture (%s, MultiCategoryBlock); Whippet has classifiers of one", short(class[strings.LastIndexByte(class, '.')+1:]))
		case "fastai.data.transforms.RegressionSetup":
			return nil, errors.New("this learner predicts numbers (RegressionBlock); Whippet has classifiers")
		default:
			name := shown(short(class))
			if f := transformed(t); f != nil {
				name, own = shown(functionName(f)), true
			}
			if own {
				p.note("%s labels items: passed over, predictions need none", name)
			}
		}
	}
	if vocab == nil {
		return nil, errors.New("the data has no Categorize, so no vocabulary: this is no classifier of pictures")
	}
	return vocab, nil
}

// loss looks at how scores become probabilities: softmax here.
func (p *pipeline) loss(v any) error {
	switch class, _ := classOf(v); class {
	case "fastai.losses.CrossEntropyLossFlat", "fastai.losses.LabelSmoothingCrossEntropy", "fastai.losses.LabelSmoothingCrossEntropyFlat",
		"fastai.losses.FocalLossFlat", "fastai.layers.CrossEntropyLossFlat", "fastai.layers.LabelSmoothingCrossEntropy", "fastai.layers.LabelSmoothingCrossEntropyFlat":
		return nil
	case "fastai.losses.BCEWithLogitsLossFlat", "fastai.losses.BCELossFlat", "fastai.layers.BCEWithLogitsLossFlat", "fastai.layers.BCELossFlat":
		return fmt.Errorf("the loss is %s, whose sigmoid scores each class by itself, as for several labels; Whippet has classifiers of one label, with softmax", class[strings.LastIndexByte(class, '.')+1:])
	case "fastai.losses.MSELossFlat", "fastai.losses.L1LossFlat", "fastai.layers.MSELossFlat", "fastai.layers.L1LossFlat":
		return fmt.Errorf("the loss is %s: this learner predicts numbers; Whippet has classifiers", class[strings.LastIndexByte(class, '.')+1:])
	default:
		name := functionName(v)
		p.note("the loss is %s: scores here are the softmax of the network's output, which fastai shows as they are unless the loss has an activation; the order of the classes is the same", shown(short(name)))
		return nil
	}
}

// events are the events of a callback between a picture and its prediction.
var events = []string{"before_validate", "before_batch", "after_pred"}

// callbacks refuses those of the person's own that may change a picture or a
// prediction. fastai's own do not.
func (p *pipeline) callbacks(v any) error {
	if v == nil {
		return nil
	}
	list, err := few("callbacks", v)
	if err != nil {
		return err
	}
	for _, c := range list {
		class, own := classOf(c)
		if name := short(class); own && !p.passed(name) {
			if o, ok := c.(*pickle.Object); ok {
				if described, ok := o.Func.(*pickle.Object); ok && !slices.ContainsFunc(events, func(e string) bool { return pickle.Attr(described, e) != nil }) {
					p.note("callback %s has no event of prediction: passed over", shown(name))
					continue
				}
			}
			return fmt.Errorf("the callback %s is called at prediction too and may change the picture or the scores; its code is not run here. If it does not, pass over it with --ignore %q", shown(name), name)
		} else if own {
			p.note("callback %s: passed over, as asked", shown(name))
		}
	}
	return nil
}
