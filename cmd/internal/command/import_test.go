package command

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// TestImportCommand takes a classifier under fastai's names through import and
// compares its answer with the original's.
func TestImportCommand(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	c := models.NewClassifier(models.ResNet10Small, 3, rng.New(5))
	f := &weights.File{}
	for _, e := range nn.State(c) {
		name := e.Name
		for from, to := range map[string]string{"head.": "1.", "conv1.": "0.0.", "bn1.": "0.1.", "layer1.": "0.4.", "layer2.": "0.5.", "layer3.": "0.6.", "layer4.": "0.7."} {
			if rest, ok := strings.CutPrefix(name, from); ok {
				name = to + rest
				break
			}
		}
		if e.Count == nil {
			f.Arrays = append(f.Arrays, weights.Array{Name: name, Shape: e.Shape, F32: e.Get()})
		}
	}
	if err := weights.Save(in("fastai.safetensors"), f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("labels.txt"), []byte("\ufeffcat, grey\r\ndog\r\nété\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(t, nil, "import", in("fastai.safetensors"), "--labels", in("labels.txt"), "--presize", "64", "--size", "48", "--out", in("m.safetensors"))
	if err != nil || !strings.Contains(out, "resnet10_small, 3 classes, pictures resized to 64 (crop), input 48×48") {
		t.Fatalf("%q, %v", out, err)
	}
	info := models.Info{Vocab: []string{"cat, grey", "dog", "été"}, Preprocess: preprocess.Config{
		Presize: 64, Method: preprocess.Crop, Size: 48, Stats: preprocess.ImageNetStats, RawEXIF: true}}
	want, err := predict.New(c, info, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := predict.Load(in("m.safetensors"), predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, nil, "import", in("fastai.safetensors"), "--labels", "a,b,c", "--size", "48", "--crop-pct", "0.95", "--interpolation", "bicubic", "--out", in("timm.safetensors")); err != nil {
		t.Fatal(err)
	}
	_, timm, err := models.Load(in("timm.safetensors"))
	if err != nil || timm.Preprocess.CropPct != 0.95 || timm.Preprocess.Interpolation != preprocess.Bicubic {
		t.Errorf("imported with timm's preprocessing: %+v, %v", timm.Preprocess, err)
	}
	out, err = runCommand(t, nil, "import", in("fastai.safetensors"), "--labels", "a,b,c", "--size", "48", "--presize", "0", "--out", in("once.safetensors"))
	if want := "fastai's Resize(48) without aug_transforms(size=…) is --presize 48 --size 48"; err != nil || !strings.Contains(out, want) {
		t.Errorf("%q, %v does not say %q", out, err, want)
	}
	pic := writePNG(t, in("a.png"), 70, 60)
	a, err := got.Bytes(t.Context(), pic)
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.Bytes(t.Context(), pic)
	if err != nil {
		t.Fatal(err)
	}
	if a.Label() != b.Label() || a.Score() != b.Score() {
		t.Errorf("the imported model says %s %v, the original %s %v", a.Label(), a.Score(), b.Label(), b.Score())
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no labels":     {[]string{"--out", in("x")}, "--labels"},
		"two labels":    {[]string{"--labels", "a,b", "--out", in("x")}, "2 names, but"},
		"same labels":   {[]string{"--labels", "a,b,a", "--out", in("x")}, `names 1 and 3 are both "a"`},
		"empty label":   {[]string{"--labels", "a,,c", "--out", in("x")}, "name 2 is empty"},
		"no file":       {[]string{"--labels", in("none.txt"), "--out", in("x")}, "none.txt"},
		"architecture":  {[]string{"--labels", "a,b,c", "--arch", "vgg", "--out", in("x")}, "unknown architecture"},
		"another one":   {[]string{"--labels", "a,b,c", "--arch", "resnet18", "--out", in("x")}, "these are weights of resnet10_small, not of resnet18"},
		"size":          {[]string{"--labels", "a,b,c", "--size", "0", "--out", in("x")}, "--size 0"},
		"interpolation": {[]string{"--labels", "a,b,c", "--interpolation", "box", "--out", in("x")}, "bilinear or bicubic"},
		"crop share":    {[]string{"--labels", "a,b,c", "--crop-pct", "2", "--out", in("x")}, "--crop-pct 2: must be above 0"},
		"small share":   {[]string{"--labels", "a,b,c", "--crop-pct", "0.1", "--out", in("x")}, "--crop-pct 0.1: pictures would be scaled to 2240 pixels"},
		"share and pad": {[]string{"--labels", "a,b,c", "--crop-pct", "0.9", "--resize", "pad", "--out", in("x")}, "--crop-pct 0.9 goes with"},
		"pad mode":      {[]string{"--labels", "a,b,c", "--pad-mode", "zeros", "--out", in("x")}, "--pad-mode zeros goes with --resize pad"},
		"ignored name":  {[]string{"--labels", "a,b,c", "--ignore", "f", "--out", in("x")}, "--ignore is for learner.export's files"},
		"resize method": {[]string{"--labels", "a,b,c", "--resize", "stretch", "--out", in("x")}, "crop, pad or squish"},
	} {
		if _, err := runCommand(t, nil, append([]string{"import", in("fastai.safetensors")}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		}
		if _, err := os.Stat(in("x")); err == nil {
			t.Errorf("%s: a model was written", name)
		}
	}
}

// TestImportExport: flags that say what export.pkl says itself are refused, and so
// is a network of no architecture.
func TestImportExport(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("..", "..", "..", "internal", "fastai", "testdata", "crop.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, out := filepath.Join(dir, "export.pkl"), filepath.Join(dir, "m.safetensors")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--labels: " + path + " says that itself": {"--labels", "a,b,c"},
		"--size: " + path + " says that itself":   {"--size", "224"},
		"the network is a tiny, which is none":    nil,
		"not weights of a resnet18":               {"--arch", "resnet18"},
	} {
		if _, err := runCommand(t, nil, append([]string{"import", path, "--out", out}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a model was written")
	}
}

// TestImportChecksSize: a size at which the network has no output is refused, by
// the flag.
func TestImportChecksSize(t *testing.T) {
	in := func(name string) string { return filepath.Join(t.TempDir(), name) }
	path, out := in("squeezenet.safetensors"), in("m.safetensors")
	c := models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(1))
	if err := weights.Save(path, &weights.File{Arrays: nn.State(c).Arrays()}); err != nil {
		t.Fatal(err)
	}
	_, err := runCommand(t, nil, "import", path, "--labels", "a,b", "--size", "16", "--out", out)
	if want := "--size 16: squeezenet1_1 needs pictures of 17 pixels at least"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not say %q", err, want)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a model was written")
	}
	if _, err := runCommand(t, nil, "import", path, "--labels", "a,b", "--size", "17", "--out", out); err != nil {
		t.Error(err)
	}
}
