package predict

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

// Predictor classifies pictures with one model. All its methods may be called
// from many goroutines at once. It does not change after it is made.
type Predictor struct {
	info   models.Info
	model  *models.Classifier
	net    *nn.Inference
	opts   Options
	resize data.ItemTransform // nil: the network's size is reached in one step
	batch  vision.AugTransforms
	decode chan struct{} // one slot per picture being decoded
	large  chan struct{} // one slot per large picture among them
	run    chan struct{} // one slot per batch being computed
	inputs *mem.Buffers

	decoder task.Decoder            // makes answers of probabilities
	measure *confidence.Strangeness // how strange a picture is by this network's features; nil is unmeasured
	first   *Predictor              // of an ensemble, whose network this one runs
	more    []*Predictor            // the others of an ensemble
}

// Load returns a predictor for a model file that training saved.
func Load(path string, o Options) (*Predictor, error) {
	c, info, err := models.Load(path)
	if err != nil {
		return nil, err
	}
	return New(c, info, o)
}

// Read is Load for a model of size bytes behind r, such as an open file or a
// section of one. r is not used after Read returns.
func Read(r io.ReaderAt, size int64, o Options) (*Predictor, error) {
	c, info, err := models.Read(r, size)
	if err != nil {
		return nil, err
	}
	return New(c, info, o)
}

// FromBytes is Load for a model in memory, such as one that is embedded in the
// program:
//
//	//go:embed model.safetensors
//	var model []byte
func FromBytes(b []byte, o Options) (*Predictor, error) {
	return Read(bytes.NewReader(b), int64(len(b)), o)
}

// New returns a predictor for a model in memory and its description. Batch
// norms are folded and weights packed now; later changes of c's parameters do
// not reach the predictor's answers. The predictor keeps c for Model.
func New(c *models.Classifier, info models.Info, o Options) (*Predictor, error) {
	if len(info.Vocab) != c.Classes {
		return nil, fmt.Errorf("predict: %d names for %d classes", len(info.Vocab), c.Classes)
	}
	by, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("predict: the model's description: %w", err)
	}
	var net nn.Module = c
	if by.Strangeness != nil {
		net = c.WithFeatures()
	}
	p, err := newPredictor(c, net, info, o)
	if err != nil {
		return nil, err
	}
	p.decoder, p.measure = by, by.Strangeness
	return p, nil
}

// newPredictor returns a predictor without a decoder that runs net, a part of c.
func newPredictor(c *models.Classifier, net nn.Module, info models.Info, o Options) (*Predictor, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	pre := info.Preprocess
	if pre.Size > maxSide || pre.Presize > maxSide {
		return nil, fmt.Errorf("predict: the model's preprocessing asks for pictures of %d and %d pixels a side; the limit is %d", pre.Presize, pre.Size, maxSide)
	}
	_, batch, err := vision.Transforms(pre, vision.AugTransforms{})
	if err != nil {
		return nil, fmt.Errorf("predict: the model's preprocessing: %w", err)
	}
	o.Batch = max(1, min(o.Batch, maxBatchPixels/(pre.Size*pre.Size)))
	o.Decode.IgnoreOrientation = pre.RawEXIF
	p := &Predictor{
		info: info, model: c, net: nn.Compile(net), opts: o,
		batch:  batch,
		decode: make(chan struct{}, o.Decoders),
		large:  make(chan struct{}, max(1, o.Decoders/4)),
		run:    make(chan struct{}, o.Runs),
	}
	if r, ok := vision.FirstResize(pre); ok {
		p.resize = r
	}
	p.inputs = newInputs(p.inputLen(), 2*(o.Runs+2)) // of each kind, single and batch, what is in use and comes next
	return p, nil
}

// What a model file can ask for is bounded too. Four pictures of the largest
// size, or 334 of 224 pixels a side, go through the network at once.
const (
	maxSide        = 2048
	maxBatchPixels = 4 * maxSide * maxSide
)

// Labels returns the class names, in the order of Prediction.Probs.
func (p *Predictor) Labels() []string { return slices.Clone(p.info.Vocab) }

// Info returns the description that the model file carries. Its slices are
// shared and must not be written to.
func (p *Predictor) Info() models.Info { return p.info }

// Abstains reports whether there are pictures that the model answers with
// task.Unknown; Prediction.Reasons tells which.
func (p *Predictor) Abstains() bool { return p.decoder.Abstains() }

// Sets reports whether the model answers sets of classes with a stated coverage; see
// Prediction.Set.
func (p *Predictor) Sets() bool { return p.decoder.Conformal != nil }

// Task returns what the model is asked.
func (p *Predictor) Task() task.Task { return p.decoder.Task }

// Model returns the network that the predictor was made from, for tools that
// look inside, such as Grad-CAM. It must not be trained or changed.
func (p *Predictor) Model() *models.Classifier { return p.model }

// Options returns the options in force, defaults filled in.
func (p *Predictor) Options() Options { return p.opts }

// InputSize returns the side of the network's square input in pixels.
func (p *Predictor) InputSize() int { return p.info.Preprocess.Size }

func (p *Predictor) inputLen() int { return 3 * p.InputSize() * p.InputSize() }

// ErrNotFinite says that the network's output is not a number: the weights or a
// tensor given as input are broken.
var ErrNotFinite = errors.New("the network's output is not finite")

// Probs runs the network on prepared pictures x [N,S,S,3], S being InputSize,
// normalized as Prepare does, and returns probabilities [N,classes] as the
// model's task makes them. N may be
// anything from 1; more than Options.Batch go through in several batches. x is
// only read. It waits for a free slot (Options.Runs) no longer than ctx.
func (p *Predictor) Probs(ctx context.Context, x *tensor.Tensor) (*tensor.Tensor, error) {
	j, err := p.judge(ctx, x)
	return j.probs, err
}

// judgment is what the network says of pictures.
type judgment struct {
	probs   *tensor.Tensor // [N,classes]
	strange []float64      // how strange each is; nil of a model that does not measure it
	sets    [][]int        // of an ensemble that makes sets, each picture's
}

// judge runs the network on prepared pictures, as Probs does.
func (p *Predictor) judge(ctx context.Context, x *tensor.Tensor) (j judgment, err error) {
	s := p.InputSize()
	if len(x.Shape) != 4 || x.Shape[0] < 1 || x.Shape[1] != s || x.Shape[2] != s || x.Shape[3] != 3 || len(x.Data) != x.Shape[0]*p.inputLen() {
		return j, fmt.Errorf("predict: input of shape %v with %d values; want [N,%d,%d,3] with N from 1", x.Shape, len(x.Data), s, s)
	}
	n, classes := x.Shape[0], p.model.Classes
	out := tensor.New(n, classes)
	for lo := 0; lo < n; lo += p.opts.Batch {
		hi := min(lo+p.opts.Batch, n)
		in := tensor.Tensor{Shape: []int{hi - lo, s, s, 3}, Data: x.Data[lo*p.inputLen() : hi*p.inputLen()]}
		if p.measure == nil {
			err = p.logits(ctx, &in, out.Data[lo*classes:hi*classes])
		} else if j.strange, err = p.strangeLogits(ctx, &in, out.Data[lo*classes:hi*classes], j.strange); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return judgment{}, err
		}
	}
	p.decoder.Divide(out)
	if err := p.decoder.Task.Activate(out, out); err != nil {
		return judgment{}, fmt.Errorf("predict: %w", err)
	}
	for _, v := range out.Data {
		if v != v {
			return judgment{}, fmt.Errorf("predict: %w", ErrNotFinite)
		}
	}
	j.probs = out
	if err := p.addOthers(ctx, x, &j); err != nil {
		return judgment{}, err
	}
	return j, nil
}

// logits writes the network's output for x to dst.
func (p *Predictor) logits(ctx context.Context, x *tensor.Tensor, dst []float32) error {
	if err := acquire(ctx, p.run); err != nil {
		return err
	}
	defer func() { <-p.run }()
	return p.net.RunInto(x, dst)
}

// acquire takes a slot of sem, or gives up when ctx ends.
func acquire(ctx context.Context, sem chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case sem <- struct{}{}:
		return nil
	default:
	}
	select {
	case sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
