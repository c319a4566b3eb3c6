package pretrained

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
)

// ConfigFile is what the configuration of weights is called in a folder of the Hub's
// layout.
const ConfigFile = "config.json"

// maxConfig bounds the bytes of a configuration: one with the names of 22 000 classes
// has two million.
const maxConfig = 16 << 20

// config is what Whippet reads of a configuration in timm's form
// (timm.models.save_for_hf writes it).
type config struct {
	Architecture      string            `json:"architecture"`
	NumClasses        *int              `json:"num_classes"`
	GlobalPool        string            `json:"global_pool"`
	LabelNames        labelNames        `json:"label_names"`
	LabelDescriptions map[string]string `json:"label_descriptions"`
	ModelArgs         map[string]any    `json:"model_args"`
	Pretrained        *pretrainedConfig `json:"pretrained_cfg"`
	pretrainedConfig                    // older ones have it at the top

	// Of a configuration that transformers wrote.
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
}

// pretrainedConfig says how pictures are prepared.
type pretrainedConfig struct {
	NumClasses        *int              `json:"num_classes"`
	InputSize         []int             `json:"input_size"` // channels, height, width
	Mean              []float64         `json:"mean"`
	Std               []float64         `json:"std"`
	Interpolation     string            `json:"interpolation"`
	CropPct           *float64          `json:"crop_pct"`
	CropMode          string            `json:"crop_mode"`
	License           string            `json:"license"`
	LabelNames        labelNames        `json:"label_names"`
	LabelDescriptions map[string]string `json:"label_descriptions"`
}

// labelNames is a list, or an object whose keys count from 0.
type labelNames []string

func (l *labelNames) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*[]string)(l)) == nil {
		return nil
	}
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return errors.New("label_names is neither a list of names nor an object of them")
	}
	*l = make(labelNames, len(m))
	for i := range *l {
		n, ok := m[fmt.Sprint(i)]
		if !ok {
			return fmt.Errorf("label_names has %d names, but none for %d", len(m), i)
		}
		(*l)[i] = n
	}
	return nil
}

// errOtherConfig is the error of a configuration that is none of a network's weights,
// such as the one of a run of Whippet's.
var errOtherConfig = errors.New("it names no architecture")

// readConfig reads the configuration at path into w. It returns an error for values
// that cannot be, and one that wraps errOtherConfig for another kind of file.
func (w *Weights) readConfig(path string) error {
	f, size, err := files.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if size > maxConfig {
		return fmt.Errorf("%s has %d bytes; no configuration has more than %d", path, size, maxConfig)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := w.parseConfig(b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (w *Weights) parseConfig(b []byte) error {
	var c config
	if err := json.Unmarshal(b, &c); err != nil {
		return fmt.Errorf("it is no configuration of a network: %w", err)
	}
	switch {
	case c.Architecture == "" && (c.ModelType != "" || len(c.Architectures) > 0):
		return fmt.Errorf("it describes a network of the transformers library (%.60s): Whippet reads timm's configurations, which have an \"architecture\"", cmp.Or(c.ModelType, strings.Join(c.Architectures, ", ")))
	case c.Architecture == "":
		return errOtherConfig
	}
	name, _, _ := strings.Cut(c.Architecture, ".") // some have the tag as well
	a, err := models.ByName(name)
	if err != nil {
		return err
	}
	if err := c.checkArgs(); err != nil {
		return err
	}
	p := &c.pretrainedConfig
	if c.Pretrained != nil {
		p = c.Pretrained
	}
	classes := 1000 // as timm takes it to be
	for _, n := range []*int{p.NumClasses, c.NumClasses} {
		if n != nil {
			classes = *n
		}
	}
	if classes < 0 || classes > maxClasses {
		return fmt.Errorf("num_classes is %d; want 0 to %d", classes, maxClasses)
	}
	names, descriptions := c.LabelNames, c.LabelDescriptions
	if names == nil {
		names = p.LabelNames
	}
	if descriptions == nil {
		descriptions = p.LabelDescriptions
	}
	w.Arch, w.Classes, w.License = a, classes, p.License
	if w.Labels, err = labels(classes, names, descriptions); err != nil {
		return err
	}
	w.Preprocess, err = p.preprocessing()
	if err == nil && w.Preprocess.Size < a.MinSize {
		err = fmt.Errorf("input_size is %v; %s needs pictures of %d pixels at least", p.InputSize, a.Name, a.MinSize)
	}
	return err
}

// maxClasses bounds what a configuration may claim; ImageNet-21k has 21 843.
const maxClasses = 1 << 20

// checkArgs refuses what would make timm build another network than Whippet does.
func (c *config) checkArgs() error {
	if !slices.Contains([]string{"", "avg", "token", "fast"}, c.GlobalPool) {
		return fmt.Errorf("global_pool is %.40q; Whippet has the architectures' own pooling", c.GlobalPool)
	}
	for name, v := range c.ModelArgs {
		switch name {
		case "num_classes", "drop_rate", "drop_path_rate", "pretrained", "img_size", "dynamic_img_size":
			continue
		case "in_chans":
			if v == 3.0 {
				continue
			}
		case "global_pool":
			if v == "avg" || v == "token" {
				continue
			}
		}
		return fmt.Errorf("model_args changes the network: %.40s is %.40v, which Whippet does not have", name, v)
	}
	return nil
}

// preprocessing returns what happens to a picture, as timm's transform for evaluation
// has it; its defaults stand for what is missing.
func (p *pretrainedConfig) preprocessing() (preprocess.Config, error) {
	c := preprocess.Config{Size: 224, CropPct: 0.875, Interpolation: preprocess.Bicubic, Stats: preprocess.ImageNetStats}
	if s := p.InputSize; s != nil {
		if len(s) != 3 || s[0] != 3 || s[1] != s[2] || s[1] < 1 || s[1] > maxSize {
			return c, fmt.Errorf("input_size is %v; want [3, S, S] with S from 1 to %d", s, maxSize)
		}
		c.Size = s[1]
	}
	if p.CropPct != nil {
		c.CropPct = *p.CropPct
		if !(c.CropPct > 0 && c.CropPct <= 1) {
			return c, fmt.Errorf("crop_pct is %v; want a share above 0 and up to 1", c.CropPct)
		}
	}
	switch p.CropMode {
	case "", "center":
	case "squash":
		c.Method = preprocess.Squish
	default:
		return c, fmt.Errorf("crop_mode is %.40q; want center or squash", p.CropMode)
	}
	switch p.Interpolation {
	case "", "bicubic":
	case "bilinear":
		c.Interpolation = preprocess.Bilinear
	default:
		return c, fmt.Errorf("interpolation is %.40q; want bicubic or bilinear", p.Interpolation)
	}
	for _, v := range []struct {
		name string
		from []float64
		to   *[3]float32
		ok   func(float64) bool
	}{
		{"mean", p.Mean, &c.Mean, func(v float64) bool { return math.Abs(v) <= 1e3 }},
		{"std", p.Std, &c.Std, func(v float64) bool { return v >= 1e-6 && v <= 1e3 }},
	} {
		if v.from == nil {
			continue
		}
		if len(v.from) != 3 || !v.ok(v.from[0]) || !v.ok(v.from[1]) || !v.ok(v.from[2]) {
			return c, fmt.Errorf("%s is %.80v; want three numbers for samples from 0 to 1", v.name, v.from)
		}
		for i, x := range v.from {
			v.to[i] = float32(x)
		}
	}
	return c, c.Check()
}

// maxSize bounds the sides of pictures, in pixels.
const maxSize = 4096

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
