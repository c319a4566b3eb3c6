package models

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/weights"
)

// ONNXOptions says what an exported model looks like from outside. The zero
// value takes a normalized float32 batch of any size and gives logits.
type ONNXOptions struct {
	// Batch fixes the number of pictures of a batch; 0 leaves it free at each
	// run. 0 to 65536.
	Batch int
	// Probabilities ends the graph with the task's activation (softmax for
	// single-label classification) of the scores divided by the model's
	// temperature: the output is "probabilities" rather than "logits".
	Probabilities bool
	// Pixels includes scaling and normalization in the graph: the input is
	// "pixels", uint8 RGB [N,S,S,3], rather than "input", normalized float32 RGB
	// [N,3,S,S].
	Pixels bool
	// Preprocess includes all of the preparation of a decoded picture in the
	// graph: cropping or stretching, both resizings, scaling and normalization. The
	// input is "pixels", uint8 RGB [N,H,W,3] of any height and width, which all
	// pictures of a batch share. What remains outside is the decoding and the EXIF
	// orientation. The model needs a first resizing that crops or squishes, or a
	// crop share. The
	// graph resizes with matrices, not with ONNX's Resize, whose rounding is not
	// Pillow's; so its work grows with a picture's pixels.
	Preprocess bool
}

// ONNX returns the classifier as an ONNX graph, in evaluation mode, with a
// square input of the side that info gives. Parameters keep their names and
// PyTorch's layouts. The model's metadata holds the description of the saved
// model without its training notes (key whippet.model), the class names as a JSON list (labels)
// and a sentence on how a picture becomes the input (preprocessing).
func ONNX(c *Classifier, info Info, o ONNXOptions) (*onnx.Graph, error) {
	if len(info.Vocab) != c.Classes {
		return nil, fmt.Errorf("models: %d names for %d classes", len(info.Vocab), c.Classes)
	}
	by, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	info.Task, info.Strangeness = by.Task.Name(), nil // whose arrays the graph does not have
	if o.Batch < 0 || o.Batch > 1<<16 {
		return nil, fmt.Errorf("models: ONNXOptions.Batch is %d; want 1 to %d, or 0 for any size", o.Batch, 1<<16)
	}
	if o.Pixels && o.Preprocess {
		return nil, errors.New("models: ONNXOptions.Pixels and Preprocess exclude each other: Preprocess takes pixels too, of any size")
	}
	size := info.Preprocess.Size
	if size < 1 {
		return nil, fmt.Errorf("models: the description's input size is %d; it must be positive", size)
	}
	w := onnxWalk{g: onnx.New(c.Arch.Name), entries: map[*float32]nn.Entry{}, added: map[string]bool{}}
	for _, e := range nn.State(c) {
		if v := e.Values(); len(v) > 0 {
			w.entries[&v[0]] = e
		}
	}
	dims := func(sizes ...int) []onnx.Dim {
		if o.Batch > 0 {
			return onnx.Fixed(append([]int{o.Batch}, sizes...)...)
		}
		return onnx.DynamicBatch(sizes...)
	}
	var x onnx.Value
	switch {
	case o.Preprocess:
		d := dims(1, 1, 3)
		d[1], d[2] = onnx.Dim{Name: "H"}, onnx.Dim{Name: "W"}
		var err error
		if x, err = w.preprocess(w.g.Input("pixels", weights.U8, d), info.Preprocess); err != nil {
			return nil, err
		}
	case o.Pixels:
		x = w.normalize(w.g.Input("pixels", weights.U8, dims(size, size, 3)), info.Preprocess)
	default:
		x = w.g.Input("input", weights.F32, dims(3, size, size))
	}
	y, err := nn.BuildGraph(c).Export(&graph.Exporter{Graph: w.g, Parameter: w.param}, x, []int{max(1, o.Batch), size, size, 3})
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	switch {
	case task.Continuous(by.Task):
		y = by.Task.Activation(w.g, "numbers", y)
	case o.Probabilities:
		if t := float32(info.Temperature); t != 0 {
			y = w.g.Div("logits_divided", y, w.g.Initializer(&weights.Array{Name: "temperature", F32: []float32{t}}))
		}
		y = by.Task.Activation(w.g, "probabilities", y)
	default:
		y = w.g.Identity("logits", y)
	}
	w.g.Output(y, weights.F32, dims(c.Classes))
	if err := w.describe(c, info, o); err != nil {
		return nil, err
	}
	return w.g, w.g.Err()
}

// onnxWalk builds an ONNX graph around the network's operations.
type onnxWalk struct {
	g       *onnx.Graph
	entries map[*float32]nn.Entry // by the first of their values
	added   map[string]bool       // initializers
}

// param adds the state entry that holds these values, under its own name and in
// PyTorch's layout.
func (w *onnxWalk) param(v []float32) (onnx.Value, error) {
	if len(v) == 0 {
		return "", nil
	}
	e, ok := w.entries[&v[0]]
	if !ok {
		return "", fmt.Errorf("it uses %d values that are no part of the model's state", len(v))
	}
	if !w.added[e.Name] {
		w.added[e.Name] = true
		w.g.Initializer(&weights.Array{Name: e.Name, Shape: e.Shape, F32: e.Get()})
	}
	return onnx.Value(e.Name), nil
}

// normalize turns pixels [N,S,S,3] into the network's input.
func (w *onnxWalk) normalize(pixels onnx.Value, p preprocess.Config) onnx.Value {
	mean, std := levels(p.Stats)
	x := w.g.Cast("pixels_float", pixels, weights.F32)
	x = w.g.Sub("pixels_centered", x, w.g.Initializer(&weights.Array{Name: "mean_255", Shape: []int{3}, F32: mean}))
	x = w.g.Div("pixels_normalized", x, w.g.Initializer(&weights.Array{Name: "std_255", Shape: []int{3}, F32: std}))
	return w.g.Transpose("input", x, 0, 3, 1, 2)
}

// describe writes the metadata.
func (w *onnxWalk) describe(c *Classifier, info Info, o ONNXOptions) error {
	info.Arch, info.Training = c.Arch.Name, nil
	info.describeHead(c)
	info.Format = formatOf(info)
	all, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("models: description: %w", err)
	}
	labels, err := json.Marshal(info.Vocab)
	if err != nil {
		return fmt.Errorf("models: description: %w", err)
	}
	w.g.Metadata(infoKey, string(all))
	w.g.Metadata("labels", string(labels))
	w.g.Metadata("preprocessing", sentence(info.Preprocess, o))
	return nil
}

// sentence says in words how a picture becomes the input of an exported model.
func sentence(p preprocess.Config, o ONNXOptions) string {
	s := "8-bit RGB; "
	if !p.RawEXIF {
		s += "EXIF orientation applied; "
	}
	if o.Preprocess {
		return s + "any size; everything else is part of the graph"
	}
	first, filter := p.Presize, fmt.Sprintf("with an antialiased %s filter", p.Interpolation)
	switch {
	case p.CropPct > 0 && p.Method == preprocess.Squish:
		s += fmt.Sprintf("stretched to %d×%d %s, of which the middle %d×%d; ", p.Short(), p.Short(), filter, p.Size, p.Size)
		first = p.Size
	case p.CropPct > 0:
		s += fmt.Sprintf("short side scaled to %d pixels %s, of which the middle %d×%d; ", p.Short(), filter, p.Size, p.Size)
		first = p.Size
	case first == 0:
	case p.Method == preprocess.Pad:
		s += fmt.Sprintf("scaled to fit into %d×%d %s, the rest filled by %s; ", first, first, filter, p.PadMode)
	case p.Method == preprocess.Squish:
		s += fmt.Sprintf("stretched to %d×%d %s; ", first, first, filter)
	default:
		s += fmt.Sprintf("largest square from the middle, scaled to %d×%d %s; ", first, first, filter)
	}
	if first != p.Size {
		s += fmt.Sprintf("averaged and sampled bilinearly, corners aligned, to %d×%d; ", p.Size, p.Size)
	}
	if o.Pixels {
		return s + "scaling and normalization are part of the graph"
	}
	return s + fmt.Sprintf("divided by 255, less mean %v, divided by standard deviation %v", p.Mean, p.Std)
}
