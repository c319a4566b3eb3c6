package pretrained

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/hub/localhub"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

const net = "resnet10_small"

// repo has those of a repository: weights of a small network for three classes, and
// a configuration in timm's form with changes.
func repo(t *testing.T, change func(c map[string]any)) map[string][]byte {
	t.Helper()
	a, err := models.ByName(net)
	if err != nil {
		t.Fatal(err)
	}
	c := map[string]any{
		"architecture": net, "num_classes": 3, "label_names": []string{"cat", "dog", "owl"}, "global_pool": "avg",
		"model_args": map[string]any{"num_classes": 3, "in_chans": 3},
		"pretrained_cfg": map[string]any{"input_size": []int{3, 64, 64}, "crop_pct": 0.9, "interpolation": "bicubic", "crop_mode": "center",
			"mean": []float64{0.5, 0.5, 0.5}, "std": []float64{0.25, 0.25, 0.25}, "license": "apache-2.0", "first_conv": "conv1"},
	}
	if change != nil {
		change(c)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := weights.Write(&w, &weights.File{Arrays: nn.State(models.NewOwnHead(a, 3, rng.New(1))).Arrays()}); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{ConfigFile: b, "model.safetensors": w.Bytes()}
}

func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// atHome points the program at a Hub of the test's and empty caches.
func atHome(t *testing.T) *localhub.Hub {
	t.Helper()
	h := localhub.New()
	t.Cleanup(h.Close)
	for k, v := range map[string]string{"HF_ENDPOINT": h.URL, "HF_HOME": t.TempDir(), "HF_HUB_CACHE": "", "HUGGINGFACE_HUB_CACHE": "", "HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "", "HF_TOKEN": "", "HF_TOKEN_PATH": "", "WHIPPET_HOME": t.TempDir(), "TORCH_HOME": t.TempDir()} {
		t.Setenv(k, v)
	}
	return h
}

var want = preprocess.Config{Size: 64, CropPct: 0.9, Interpolation: preprocess.Bicubic,
	Stats: preprocess.Stats{Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25}}}

// A folder, a file in it, and a repository of the Hub are the same model.
func TestOpen(t *testing.T) {
	h := atHome(t)
	all := repo(t, nil)
	dir := folder(t, all)
	h.Put("org/net", all)
	for _, name := range []string{dir, filepath.Join(dir, "model.safetensors"), "hf:org/net", "hf:org/net@main"} {
		c, info, err := Open(t.Context(), name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !c.OwnHead || c.Arch.Name != net || strings.Join(info.Vocab, " ") != "cat dog owl" || info.Preprocess != want {
			t.Errorf("%s: %+v", name, info)
		}
		if !strings.Contains(string(info.Training), "apache-2.0") {
			t.Errorf("%s: the notes are %s", name, info.Training)
		}
	}
	w, err := Find(t.Context(), "hf:org/net", nil, Options{})
	if err != nil || !strings.HasPrefix(w.Fixed, "hf:org/net@") || w.Classes != 3 || w.Arch.Name != net {
		t.Errorf("%+v, %v", w, err)
	}
	// A saved model of Whippet's stays one, whatever lies beside it.
	saved := filepath.Join(dir, "model.safetensors")
	if err := models.Save(saved, models.NewClassifier(models.ResNet10Small, 2, rng.New(1)), models.Info{Vocab: []string{"a", "b"}, Preprocess: want}); err != nil {
		t.Fatal(err)
	}
	if c, _, err := Open(t.Context(), dir, Options{}); err != nil || c.OwnHead || c.Classes != 2 {
		t.Errorf("a saved model: %+v, %v", c, err)
	}
}

func TestFindMistakes(t *testing.T) {
	h := atHome(t)
	h.Put("org/net", repo(t, nil))
	h.Put("org/bare", map[string][]byte{"model.safetensors": nil})
	h.Put("org/tf", map[string][]byte{ConfigFile: []byte(`{"architectures": ["ResNetForImageClassification"], "model_type": "resnet"}`)})
	for name, says := range map[string]string{
		"resnet5O":               "the nearest known are resnet50",
		"resnet50.IMAGENET1K_V3": "resnet50.IMAGENET1K_V2",
		"timm/resnet50.a7_in1k":  "timm/resnet50.a1_in1k",
		"IMAGENET1K_V2":          "say of which, as in resnet50.IMAGENET1K_V2",
		"org/net":                "hf:org/net",
		"no/such.safetensors":    "no such file or folder",
		"hf:org/none":            "no repository org/none",
		"hf:../x":                "want ORG/NAME",
		"hf:org/bare":            "the repository has no config.json",
		"hf:org/tf":              "transformers library",
		"qqqqqqqqqqqqqqqqqq":     "nor published weights of this name",
	} {
		if _, err := Find(t.Context(), name, nil, Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v does not say %q", name, err, says)
		}
	}
	if _, err := Find(t.Context(), "hf:org/net", models.ResNet50, Options{}); err == nil || !strings.Contains(err.Error(), "weights of resnet10_small, not of resnet50") {
		t.Errorf("another architecture: %v", err)
	}
}

// Torchvision's names need no network to be understood.
func TestFindTorchvision(t *testing.T) {
	atHome(t)
	for name, a := range map[string]*models.Architecture{
		"resnet50.IMAGENET1K_V2": nil, "IMAGENET1K_V2": models.ResNet50, "ResNet50_Weights.IMAGENET1K_V2": nil,
	} {
		w, err := Find(t.Context(), name, a, Options{})
		if err != nil || w.Arch != models.ResNet50 || w.Preprocess.Short() != 232 || len(w.Labels) != 1000 || w.Labels[0] != "tench" {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
	seen := map[string]bool{}
	for _, l := range ImageNetLabels() {
		if l == "" || seen[l] {
			t.Errorf("the class %q is empty or there twice", l)
		}
		seen[l] = true
	}
}

// Impossible values are refused with their name before weights are read.
func TestConfigMistakes(t *testing.T) {
	pre := func(key string, v any) func(map[string]any) {
		return func(c map[string]any) { c["pretrained_cfg"].(map[string]any)[key] = v }
	}
	top := func(key string, v any) func(map[string]any) { return func(c map[string]any) { c[key] = v } }
	for says, change := range map[string]func(map[string]any){
		"input_size is [3 64]":         pre("input_size", []int{3, 64}),
		"input_size is [1 64 64]":      pre("input_size", []int{1, 64, 64}),
		"input_size is [3 64 32]":      pre("input_size", []int{3, 64, 32}),
		"input_size is [3 999999":      pre("input_size", []int{3, 999999, 999999}),
		"input_size is [3 -1 -1]":      pre("input_size", []int{3, -1, -1}),
		"crop_pct is 0":                pre("crop_pct", 0),
		"crop_pct is 1.5":              pre("crop_pct", 1.5),
		"Config.CropPct is 1e-07":      pre("crop_pct", 1e-7),
		"crop_mode is \"border\"":      pre("crop_mode", "border"),
		"interpolation is \"lanczos\"": pre("interpolation", "lanczos"),
		"mean is [0.5]":                pre("mean", []float64{0.5}),
		"std is [0 1 1]":               pre("std", []float64{0, 1, 1}),
		"std is [-1 1 1]":              pre("std", []float64{-1, 1, 1}),
		"num_classes is -1":            top("num_classes", -1),
		"num_classes is 99999999":      top("num_classes", 99999999),
		"3 names for 4 classes":        top("num_classes", 4),
		"label_names is neither":       top("label_names", "cat"),
		"unknown architecture":         top("architecture", "resnet1O_small"),
		"in_chans is 1":                top("model_args", map[string]any{"in_chans": 1}),
		"act_layer is gelu":            top("model_args", map[string]any{"act_layer": "gelu"}),
		"global_pool is \"catavgmax\"": top("global_pool", "catavgmax"),
		"cannot unmarshal":             top("num_classes", "many"),
		"without a head":               func(c map[string]any) { c["num_classes"] = 0; delete(c, "label_names") },
	} {
		dir := folder(t, repo(t, change))
		_, _, err := Open(t.Context(), dir, Options{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), dir) || len(err.Error()) > 800 {
			t.Errorf("error %v does not say %q", err, says)
		}
	}
	// The head of the weights must be the configuration's.
	dir := folder(t, repo(t, func(c map[string]any) { c["num_classes"] = 5; delete(c, "label_names") }))
	if _, _, err := Open(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "for 3 classes, the configuration says 5") {
		t.Errorf("another number of classes: %v", err)
	}
}

func TestLabels(t *testing.T) {
	for _, tc := range []struct {
		classes      int
		names        []string
		descriptions map[string]string
		first        string
	}{
		{1000, nil, nil, "tench"},
		{2, nil, nil, "class 0"},
		{2, []string{"a", "b"}, map[string]string{"a": "an a"}, "a"},
		{2, []string{"n01440764", "n01443537"}, map[string]string{"n01440764": "tench, Tinca tinca"}, "tench, Tinca tinca"},
	} {
		if got, err := labels(tc.classes, tc.names, tc.descriptions); err != nil || len(got) != tc.classes || got[0] != tc.first {
			t.Errorf("%+v: %v, %v", tc, got, err)
		}
	}
}
