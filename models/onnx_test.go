package models

import (
	"bytes"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// TestONNX writes a network of each kind and checks that every
// parameter is in the file under its name, exactly once, and that the same
// network gives the same bytes. interop/ runs the files in ONNX Runtime.
func TestONNX(t *testing.T) {
	vocab := []string{"a", "b", "ç"}
	for _, name := range []string{"squeezenet1_1", "resnet18", "resnet50"} {
		t.Run(name, func(t *testing.T) {
			if name == "resnet50" {
				slow.Test(t)
			}
			a, err := ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			c := NewClassifier(a, 3, rng.New(1))
			info := Info{Vocab: vocab, Temperature: 1.5, Preprocess: preprocess.Config{Presize: 460, Method: preprocess.Crop, Size: 224, Stats: a.Stats()}}
			var files [2]bytes.Buffer
			for i := range files {
				g, err := ONNX(c, info, ONNXOptions{Probabilities: true})
				if err != nil {
					t.Fatal(err)
				}
				if err := g.Write(&files[i]); err != nil {
					t.Fatal(err)
				}
			}
			b := files[0].Bytes()
			if !bytes.Equal(b, files[1].Bytes()) {
				t.Error("two exports of one model differ")
			}
			// An initializer's name is field 8 of its message, after its length.
			for _, e := range nn.State(c) {
				if e.Kind == nn.BatchCount {
					continue
				}
				field := append([]byte{8<<3 | 2, byte(len(e.Name))}, e.Name...)
				if n := bytes.Count(b, field); n != 1 {
					t.Errorf("%s stands %d times in the file as the name of an initializer, want once", e.Name, n)
				}
			}
			for _, s := range []string{"whippet.model", `["a","b","ç"]`, "largest square", "probabilities", "logits_divided"} {
				if !bytes.Contains(b, []byte(s)) {
					t.Errorf("the file does not have %q", s)
				}
			}
		})
	}
}

// TestONNXOutputs: the output is called by what it is, and the activation of the task is in the graph.
// interop/answers.py compares the answers of ONNX Runtime.
func TestONNXOutputs(t *testing.T) {
	c := NewClassifier(SqueezeNet1_1, 2, rng.New(1))
	for name, tc := range map[string]struct {
		task          string
		probabilities bool
		has, lack     []string
	}{
		"numbers":                     {"regression", false, []string{"numbers"}, []string{"Sigmoid", "Softmax", "logits", "range_low"}},
		"numbers in a range":          {"regression(-1,4)", false, []string{"numbers_share", "Sigmoid", "range_width", "range_low", "numbers_scaled"}, []string{"Softmax", "logits"}},
		"numbers as if probabilities": {"regression(-1,4)", true, []string{"numbers_share", "range_low"}, []string{"Softmax", "probabilities", "logits"}},
		"labels":                      {"multi_label", true, []string{"Sigmoid", "probabilities"}, []string{"Softmax", "numbers"}},
		"scores of labels":            {"multi_label", false, []string{"logits"}, []string{"Sigmoid", "probabilities"}},
		"classes":                     {"", true, []string{"Softmax", "probabilities"}, []string{"Sigmoid", "numbers"}},
	} {
		g, err := ONNX(c, Info{Vocab: []string{"a", "b"}, Task: tc.task, Preprocess: preprocess.Config{Presize: 64, Size: 64, Stats: preprocess.ImageNetStats}}, ONNXOptions{Probabilities: tc.probabilities})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b bytes.Buffer
		if err := g.Write(&b); err != nil {
			t.Fatal(err)
		}
		for _, s := range tc.has {
			if !bytes.Contains(b.Bytes(), []byte(s)) {
				t.Errorf("%s: the file does not have %q", name, s)
			}
		}
		for _, s := range tc.lack {
			if bytes.Contains(b.Bytes(), []byte(s)) {
				t.Errorf("%s: the file has %q", name, s)
			}
		}
	}
}

// TestONNXPreprocess writes the graph that takes whole pictures, for models with
// one resizing and with two.
func TestONNXPreprocess(t *testing.T) {
	c := NewClassifier(SqueezeNet1_1, 2, rng.New(1))
	for name, tc := range map[string]struct {
		pre       preprocess.Config
		has, lack []string
	}{
		"crop, two resizings":  {preprocess.Config{Presize: 96, Method: preprocess.Crop, Size: 48}, []string{"short_side", "size_rows", "across_columns"}, []string{"down_n"}},
		"crop share":           {preprocess.Config{Presize: 96, Size: 48, CropPct: 0.875}, []string{"scale_to", "down_scaled", "across_begin", "down_triangle"}, []string{"size_rows", "cubic"}},
		"bicubic, squash":      {preprocess.Config{Size: 48, Method: preprocess.Squish, CropPct: 0.875, Interpolation: preprocess.Bicubic}, []string{"down_cubic", "across_cubic", "down_begin"}, []string{"down_scaled", "triangle"}},
		"bicubic":              {preprocess.Config{Presize: 96, Size: 48, Interpolation: preprocess.Bicubic}, []string{"short_side", "size_rows", "filter_cubic"}, []string{"triangle"}},
		"squish, one resizing": {preprocess.Config{Presize: 48, Method: preprocess.Squish, Size: 48, RawEXIF: true}, []string{"down_n", "across_n"}, []string{"size_rows", "short_side", "EXIF"}},
	} {
		tc.pre.Std = [3]float32{1, 1, 1}
		g, err := ONNX(c, Info{Vocab: []string{"a", "b"}, Preprocess: tc.pre}, ONNXOptions{Preprocess: true, Batch: 2})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b bytes.Buffer
		if err := g.Write(&b); err != nil {
			t.Fatal(err)
		}
		for _, s := range append(tc.has, "pixels", "any size; everything else is part of the graph") {
			if !bytes.Contains(b.Bytes(), []byte(s)) {
				t.Errorf("%s: the file does not have %q", name, s)
			}
		}
		for _, s := range tc.lack {
			if bytes.Contains(b.Bytes(), []byte(s)) {
				t.Errorf("%s: the file has %q", name, s)
			}
		}
	}
}

// TestSentence: the description in words says which way pictures are prepared.
func TestSentence(t *testing.T) {
	for want, p := range map[string]preprocess.Config{
		"largest square from the middle, scaled to 96×96 with an antialiased bilinear filter; averaged":       {Presize: 96, Size: 48},
		"stretched to 96×96 with an antialiased bicubic filter; averaged":                                     {Presize: 96, Size: 48, Method: preprocess.Squish, Interpolation: preprocess.Bicubic},
		"short side scaled to 232 pixels with an antialiased bilinear filter, of which the middle 224×224; d": {Presize: 460, Size: 224, CropPct: 224. / 232},
		"stretched to 60×60 with an antialiased bicubic filter, of which the middle 48×48; d":                 {Size: 48, CropPct: 0.8, Method: preprocess.Squish, Interpolation: preprocess.Bicubic},
	} {
		if got := sentence(p, ONNXOptions{}); !strings.Contains(got, want) {
			t.Errorf("%+v: %q does not say %q", p, got, want)
		}
	}
}

func TestONNXMistakes(t *testing.T) {
	c := NewClassifier(SqueezeNet1_1, 2, rng.New(1))
	good := Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Size: 64}}
	for name, tc := range map[string]struct {
		info Info
		o    ONNXOptions
		want string
	}{
		"vocabulary": {Info{Vocab: []string{"a"}, Preprocess: good.Preprocess}, ONNXOptions{}, "1 names for 2 classes"},
		"batch":      {good, ONNXOptions{Batch: -2}, "ONNXOptions.Batch is -2"},
		"pad":        {Info{Vocab: good.Vocab, Preprocess: preprocess.Config{Size: 64, Presize: 64, Method: preprocess.Pad}}, ONNXOptions{Preprocess: true}, "pads pictures"},
		"presize":    {good, ONNXOptions{Preprocess: true}, "no first resizing"},
		"method":     {Info{Vocab: good.Vocab, Preprocess: preprocess.Config{Size: 64, Presize: 64, Method: 7}}, ONNXOptions{Preprocess: true}, "Config.Method is ResizeMethod(7)"},
		"both":       {good, ONNXOptions{Preprocess: true, Pixels: true}, "exclude each other"},
		"size":       {Info{Vocab: good.Vocab}, ONNXOptions{}, "input size is 0"},
	} {
		if _, err := ONNX(c, tc.info, tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}
