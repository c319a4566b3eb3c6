package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/weights"
)

// Info is what a saved model says about itself, besides its weights. It is
// enough to classify a picture: no training code or data is needed.
type Info struct {
	Format int      `json:"format"`       // of this description: the lowest that tells all of it; File sets it
	Arch   string   `json:"architecture"` // a name that ByName knows
	Task   string   `json:"task"`         // a name that task.ByName knows; "" is single-label classification
	Vocab  []string `json:"vocabulary"`   // output i has name Vocab[i]: the classes
	// Thresholds, for a task that answers with every class whose probability is
	// above its threshold, has one for each class; nil is the task's own.
	Thresholds []float32 `json:"thresholds,omitempty"`
	// Temperature divides the network's scores before they become probabilities, so
	// that these can be taken at their word; 0 stands for 1. See confidence.Temperature.
	Temperature float64 `json:"temperature,omitempty"`
	// Abstention says, for a task with one class a picture, when the model answers
	// "unknown"; nil is never.
	Abstention *confidence.Abstention `json:"abstention,omitempty"`
	// Strangeness, for a task with one class a picture, measures how unlike those of training a picture is,
	// by the features of FeatureNet; nil is unmeasured. Its arrays are in the file beside the network's.
	Strangeness *confidence.Strangeness `json:"strangeness,omitempty"`
	// Conformal, for a task with one class a picture, makes sets of classes that have the right
	// one with a stated probability; nil makes none.
	Conformal *confidence.Conformal `json:"conformal,omitempty"`
	// Preprocess is what happens to a picture before the network sees it, the
	// same as for validation pictures in training.
	Preprocess preprocess.Config `json:"preprocess"`
	// Head is OwnHead for the architecture's own head, LinearHead for one linear layer, NeighborsHead for a
	// vote of the nearest pictures, "" for fastai's. File takes it from the classifier.
	Head string `json:"head,omitempty"`
	// HeadDropout is the probability of dropout before the last layer of fastai's
	// head, for training that goes on; nil is fastai's 0.5. File takes it from the head.
	HeadDropout *float64 `json:"head_dropout,omitempty"`
	// Training says how the model came about: free text and numbers for people.
	Training json.RawMessage `json:"training,omitempty"`
}

// Decoder returns what makes answers of the model's probabilities: its task,
// vocabulary, thresholds, temperature, abstention, strangeness and sets of classes. It returns an error for a task that
// this program does not know, for thresholds that do not fit the vocabulary, for a
// temperature that is none, and for an abstention, a strangeness or sets that do not fit the task.
func (i Info) Decoder() (task.Decoder, error) {
	t, err := task.ByName(i.Task)
	if err != nil {
		return task.Decoder{}, err
	}
	if i.Thresholds != nil && len(i.Thresholds) != len(i.Vocab) {
		return task.Decoder{}, fmt.Errorf("%d thresholds for %d classes: one is needed for each, or none", len(i.Thresholds), len(i.Vocab))
	}
	for k, v := range i.Thresholds {
		if v-v != 0 {
			return task.Decoder{}, fmt.Errorf("the threshold of %q is %v: it must be a finite number", i.Vocab[k], v)
		}
	}
	if v := i.Temperature; v-v != 0 || v < 0 {
		return task.Decoder{}, fmt.Errorf("the temperature is %v: it must be a finite number above 0, or 0 for none", v)
	}
	if i.Strangeness != nil {
		if err := i.Strangeness.Check(); err != nil {
			return task.Decoder{}, err
		}
		if i.Strangeness.Classes != len(i.Vocab) {
			return task.Decoder{}, fmt.Errorf("the strangeness is of %d classes, the vocabulary has %d", i.Strangeness.Classes, len(i.Vocab))
		}
	}
	if i.Abstention != nil {
		if err := i.Abstention.Check(); err != nil {
			return task.Decoder{}, err
		}
	}
	if i.Conformal != nil {
		if err := i.Conformal.Check(); err != nil {
			return task.Decoder{}, err
		}
		if !t.Exclusive() {
			return task.Decoder{}, fmt.Errorf("the task %s has no sets of classes with a coverage: they are for pictures with one class each", t.Name())
		}
	}
	if i.Abstention != nil || i.Strangeness != nil {
		if !t.Exclusive() {
			return task.Decoder{}, fmt.Errorf("the task %s has no answer to abstain from: abstention is for pictures with one class each", t.Name())
		}
		if slices.Contains(i.Vocab, task.Unknown) {
			return task.Decoder{}, fmt.Errorf("a class is called %q, which is also what a model answers that abstains: give the class another name", task.Unknown)
		}
	}
	return task.Decoder{Task: t, Vocab: i.Vocab, Thresholds: i.Thresholds, Temperature: i.Temperature, Abstention: i.Abstention, Strangeness: i.Strangeness, Conformal: i.Conformal}, nil
}

// OwnHead is the value of Info.Head for a classifier with the architecture's own
// head; see Classifier.OwnHead.
const OwnHead = "own"

const infoKey = "whippet.model"

// Save writes the classifier and its description to path as one safetensors
// file, whole or not at all. The body's arrays have torchvision's names, so that
// load_state_dict(strict=False) of the torchvision model takes them; the head's
// are "head.N.…".
func Save(path string, c *Classifier, info Info) error {
	f, err := File(c, info)
	if err != nil {
		return err
	}
	return weights.Save(path, f)
}

// File returns what Save writes.
func File(c *Classifier, info Info) (*weights.File, error) {
	if len(info.Vocab) != c.Classes {
		return nil, fmt.Errorf("models: %d names for %d classes", len(info.Vocab), c.Classes)
	}
	by, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	info.Arch, info.Task = c.Arch.Name, by.Task.Name()
	info.describeHead(c)
	info.Format = formatOf(info)
	if s := info.Strangeness; s != nil && s.Features != c.Arch.Features {
		return nil, fmt.Errorf("models: the strangeness is of %d features, and %s has %d", s.Features, c.Arch.Name, c.Arch.Features)
	}
	b, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("models: description: %w", err)
	}
	f := &weights.File{Metadata: map[string]string{infoKey: string(b), "format": "pt"}, Arrays: append(nn.State(c).Arrays(), strangenessArrays(info.Strangeness)...)}
	return f, nil
}

// Load reads a model that Save wrote. The error says whether the file is no
// model of Whippet's, of a newer version, or does not fit its own description. An
// architecture or a task of the program's own must be registered before.
func Load(path string) (*Classifier, Info, error) {
	f, err := weights.Load(path)
	if err != nil {
		return nil, Info{}, err
	}
	c, info, err := FromFile(f)
	if err != nil {
		return nil, info, fmt.Errorf("models: %s: %w", path, err)
	}
	return c, info, nil
}

// Read is Load for a file in memory or embedded in the program.
func Read(r io.ReaderAt, size int64) (*Classifier, Info, error) {
	f, err := weights.Read(r, size)
	if err != nil {
		return nil, Info{}, err
	}
	return FromFile(f)
}

// ErrNoClassifier is the error of a file of weights that Save did not write. Import
// makes a classifier of those that fastai's learners save; a body without its head
// can be the start of training.
var ErrNoClassifier = errors.New("not a saved classifier")

// FromFile builds the classifier that a file describes, or returns an error that
// wraps ErrNoClassifier if it describes none. An input smaller than the
// architecture's MinSize is an error.
func FromFile(f *weights.File) (*Classifier, Info, error) {
	var info Info
	meta, ok := f.Metadata[infoKey]
	if !ok {
		return nil, info, fmt.Errorf("%w: the metadata has no %s", ErrNoClassifier, infoKey)
	}
	if err := json.Unmarshal([]byte(meta), &info); err != nil {
		return nil, info, fmt.Errorf("metadata %s: %w", infoKey, err)
	}
	if err := checkFormat(info.Format); err != nil {
		return nil, info, err
	}
	a, err := ByName(info.Arch)
	if err != nil {
		return nil, info, err
	}
	if f, err = info.takeStrangeness(f, a); err != nil {
		return nil, info, err
	}
	if _, err := info.Decoder(); err != nil {
		return nil, info, fmt.Errorf("metadata %s: %w", infoKey, err)
	}
	if err := info.Preprocess.Check(); err != nil {
		return nil, info, fmt.Errorf("metadata %s: %w", infoKey, err)
	}
	if got := info.Preprocess.Size; got < a.MinSize {
		return nil, info, fmt.Errorf("metadata %s: an input of %d pixels, and %s needs %d at least: the description was changed, or written by a program that does not know the network", infoKey, got, a.Name, a.MinSize)
	}
	c, err := info.classifier(f, a)
	if err != nil {
		return nil, info, err
	}
	c.FitPositions(f)
	if err := nn.State(c).Load(f); err != nil {
		return nil, info, err
	}
	if _, vote := c.NeighborsHead(); vote != nil {
		if err := vote.Check(); err != nil {
			return nil, info, fmt.Errorf("the head of nearest pictures: %w", err)
		}
	}
	return c, info, nil
}

// classifier makes the network that i describes, without its values. The vocabulary
// is the size of the head, whose weights are in the file and bound what is made for
// it.
func (i Info) classifier(f *weights.File, a *Architecture) (*Classifier, error) {
	var classes, width int
	var err error
	switch i.Head {
	case "":
		classes, width, err = headSize(f, a)
	case OwnHead:
		classes, err = ownHeadSize(f, a)
	case LinearHead:
		classes, err = linearHeadSize(f, a)
	case NeighborsHead:
		classes = len(i.Vocab)
		width, err = neighborsHeadSize(f, a)
	default:
		return nil, fmt.Errorf("metadata %s: the head %.40q is unknown to this version; use the version that wrote it, or a newer one", infoKey, i.Head)
	}
	switch {
	case err == nil && classes != len(i.Vocab), errors.Is(err, ErrNoHead), len(i.Vocab) == 0:
		return nil, fmt.Errorf("the head's last layer does not have the %d classes of the vocabulary", len(i.Vocab))
	case err != nil:
		return nil, err
	}
	if i.Head == OwnHead {
		return NewOwnHead(a, classes, nil), nil
	}
	if i.Head == NeighborsHead {
		return NewClassifier(a, classes, nil, HeadNeighbors(width)), nil
	}
	if i.Head == LinearHead {
		return NewClassifier(a, classes, nil, HeadLinear()), nil
	}
	head, err := i.headOptions(width)
	if err != nil {
		return nil, fmt.Errorf("metadata %s: %w", infoKey, err)
	}
	return NewClassifier(a, classes, nil, head...), nil
}

// SetBody puts pretrained weights into the body of c: f has the arrays of
// torchvision's or timm's network of the same architecture, under its names or one of
// its spellings, also inside another module ("model.…"), of a classifier of
// Whippet's, or of a fastai learner. The head's (fc, classifier, head, and those of
// the authors' head) are passed over. Embeddings of positions become as many as f has.
func (c *Classifier) SetBody(f *weights.File) error {
	f.TrimWrappers()
	l, err := c.Arch.layout()
	if err != nil {
		return err
	}
	ours, _ := l.rename(f)
	if d := l.differences(ours); d != nil {
		return notOf(c.Arch, f, d)
	}
	undo := c.FitPositions(ours)
	if err := nn.State(c.Body).Load(l.bodyOf(ours)); err != nil {
		if undo != nil {
			undo()
		}
		return fmt.Errorf("these are not weights of a %s: %w", c.Arch.Name, err)
	}
	return nil
}

func isHead(name string) bool {
	for _, p := range []string{"fc.", "classifier.", headName + ".", strangenessName} {
		if len(name) > len(p) && name[:len(p)] == p {
			return true
		}
	}
	return false
}
