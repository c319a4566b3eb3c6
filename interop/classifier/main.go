// Classifier writes a saved model in the forms that other programs read, and
// what Whippet's Predictor says about real pictures, for those programs to
// compare. See ../README.md.
//
// usage: classifier FOLDER MODEL|ARCHITECTURE PICTURES
//
// For the name of an architecture, such as resnet34, resnet34:160:squish or
// resnet34:160:crop:0.95:bicubic, it makes a model with random weights, varied
// batch-norm statistics, and the given input size (224), way of resizing (crop),
// crop share (0, none) and filter (bilinear). Into FOLDER it writes model.safetensors,
// input.onnx, pixels.onnx, whole.onnx (unless the model's preprocessing allows no
// such graph) and expected.json.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

// count is how many pictures are compared.
const count = 12

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: classifier FOLDER MODEL|ARCHITECTURE PICTURES")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// expected is what expected.json holds. Pictures and pixels are in files of raw
// little-endian values beside it.
type expected struct {
	Arch    string      `json:"arch"`
	Size    int         `json:"size"`
	Files   []string    `json:"files"`
	Logits  [][]float32 `json:"logits"`        // for input.f32, [N,3,S,S]
	Probs   [][]float32 `json:"probabilities"` // of the same
	OfBytes [][]float32 `json:"of_pixels"`     // for pixels.u8, [N,S,S,3]
	Shapes  [][2]int    `json:"shapes"`        // height and width of the pictures in whole.u8, [H,W,3] each
}

func run(folder, model, pictures string) error {
	ctx := context.Background()
	c, info, err := load(model)
	if err != nil {
		return err
	}
	items, err := vision.ImageFiles.List(ctx, pictures)
	if err != nil {
		return err
	}
	if !isFile(model) {
		if err := moderate(ctx, c, info, items[0].Path); err != nil {
			return err
		}
	}
	if err := models.Save(filepath.Join(folder, "model.safetensors"), c, info); err != nil {
		return err
	}
	for name, o := range map[string]models.ONNXOptions{"input.onnx": {}, "pixels.onnx": {Pixels: true, Probabilities: true, Batch: count}, "whole.onnx": {Preprocess: true, Probabilities: true}} {
		if o.Preprocess && (info.Preprocess.Presize == 0 && info.Preprocess.CropPct == 0 || info.Preprocess.Method == preprocess.Pad) {
			continue // has no such graph
		}
		g, err := models.ONNX(c, info, o)
		if err != nil {
			return err
		}
		if err := g.Save(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	p, err := predict.Load(filepath.Join(folder, "model.safetensors"), predict.Options{})
	if err != nil {
		return err
	}
	s := p.InputSize()
	x := tensor.New(count, s, s, 3)
	e := expected{Arch: c.Arch.Name, Size: s}
	n := s * s * 3
	var whole []byte
	for i := range count {
		it := items[i*len(items)/count]
		if err := p.PrepareFile(ctx, x.Data[i*n:(i+1)*n], it.Path); err != nil {
			return err
		}
		e.Files = append(e.Files, filepath.Base(it.Path))
		img, err := vision.DecodeFile(it.Path, vision.DecodeOptions{IgnoreOrientation: info.Preprocess.RawEXIF})
		if err != nil {
			return err
		}
		e.Shapes = append(e.Shapes, [2]int{img.Height, img.Width})
		whole = append(whole, img.Pix...)
	}
	if err := os.WriteFile(filepath.Join(folder, "whole.u8"), whole, 0o666); err != nil {
		return err
	}
	logits, err := nn.Compile(c).Run(x)
	if err != nil {
		return err
	}
	e.Logits = rows(logits)
	probs, err := p.Probs(ctx, x)
	if err != nil {
		return err
	}
	e.Probs = rows(probs)
	if err := os.WriteFile(filepath.Join(folder, "input.f32"), planes(x), 0o666); err != nil {
		return err
	}
	if e.OfBytes, err = ofPixels(ctx, p, x, filepath.Join(folder, "pixels.u8")); err != nil {
		return err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "expected.json"), b, 0o666)
}

// isFile tells a saved model from an architecture.
func isFile(model string) bool {
	return strings.ContainsAny(model, "./") && !strings.Contains(model, ":")
}

func load(model string) (*models.Classifier, models.Info, error) {
	if isFile(model) {
		return models.Load(model)
	}
	parts := strings.Split(model, ":")
	parts = append(parts, []string{"", "224", "crop", "0", "bilinear"}[min(len(parts), 5):]...)
	a, err := models.ByName(parts[0])
	if err != nil {
		return nil, models.Info{}, err
	}
	pre := preprocess.Config{Presize: 460, Stats: a.Stats()}
	var wrong [4]error
	pre.Size, wrong[0] = strconv.Atoi(parts[1])
	wrong[1] = pre.Method.UnmarshalText([]byte(parts[2]))
	pre.CropPct, wrong[2] = strconv.ParseFloat(parts[3], 64)
	wrong[3] = pre.Interpolation.UnmarshalText([]byte(parts[4]))
	if err := errors.Join(wrong[:]...); err != nil {
		return nil, models.Info{}, fmt.Errorf("%s: %w", model, err)
	}
	r := rng.New(11)
	c := models.NewClassifier(a, 37, r)
	for _, e := range nn.State(c) {
		switch e.Kind {
		case nn.NormScale:
			for i := range e.Param.Value.Data {
				e.Param.Value.Data[i] = float32(0.8 + 0.4*r.Float64())
			}
		case nn.NormShift, nn.RunningMean:
			v := e.Get()
			for i := range v {
				v[i] = float32(0.1 * r.Normal())
			}
			if err := e.Set(v); err != nil {
				return nil, models.Info{}, err
			}
		case nn.RunningVar:
			for i := range e.Buffer {
				e.Buffer[i] = float32(0.7 + 0.6*r.Float64())
			}
		}
	}
	info := models.Info{Preprocess: pre}
	for i := range c.Classes {
		info.Vocab = append(info.Vocab, fmt.Sprintf("Klasse „%d“, 猫 🐕", i))
	}
	return c, info, nil
}

// moderate scales the last layer of a random network so that the largest logit of
// a picture is 2. Deep ones would otherwise be so sure of one class that
// probabilities tell nothing.
func moderate(ctx context.Context, c *models.Classifier, info models.Info, picture string) error {
	p, err := predict.New(c, info, predict.Options{})
	if err != nil {
		return err
	}
	x := tensor.New(1, p.InputSize(), p.InputSize(), 3)
	if err := p.PrepareFile(ctx, x.Data, picture); err != nil {
		return err
	}
	logits, err := nn.Compile(c).Run(x)
	if err != nil {
		return err
	}
	largest := 0.0
	for _, v := range logits.Data {
		largest = max(largest, math.Abs(float64(v)))
	}
	for _, e := range nn.State(c) {
		if e.Name == "head.8.weight" {
			for i := range e.Param.Value.Data {
				e.Param.Value.Data[i] *= float32(2 / largest)
			}
		}
	}
	return nil
}

// ofPixels rounds the pictures to 8 bits, writes them, and returns what the
// predictor says about them.
func ofPixels(ctx context.Context, p *predict.Predictor, x *tensor.Tensor, path string) ([][]float32, error) {
	pre := p.Info().Preprocess
	pix := make([]byte, x.Len())
	y := tensor.New(x.Shape...)
	for i, v := range x.Data {
		c := i % 3
		u := math.Round(float64((v*pre.Std[c] + pre.Mean[c]) * 255))
		pix[i] = uint8(max(0, min(u, 255)))
		y.Data[i] = (float32(pix[i])/255 - pre.Mean[c]) / pre.Std[c]
	}
	probs, err := p.Probs(ctx, y)
	if err != nil {
		return nil, err
	}
	return rows(probs), os.WriteFile(path, pix, 0o666)
}

// planes is [N,H,W,C] as the bytes of [N,C,H,W].
func planes(x *tensor.Tensor) []byte {
	n, h, w, c := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	b := make([]byte, 0, 4*x.Len())
	for i := range n {
		for k := range c {
			for j := range h * w {
				v := math.Float32bits(x.Data[(i*h*w+j)*c+k])
				b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
			}
		}
	}
	return b
}

func rows(t *tensor.Tensor) [][]float32 {
	c := t.Shape[1]
	out := make([][]float32, t.Shape[0])
	for i := range out {
		out[i] = t.Data[i*c : (i+1)*c]
	}
	return out
}
