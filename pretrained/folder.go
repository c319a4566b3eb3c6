package pretrained

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

// WriteFolder writes c to a folder in the Hub's layout: model.safetensors with timm's
// names, config.json with the classes and the preprocessing, README.md, a model card.
// timm.create_model("local-dir:FOLDER", pretrained=True) opens it, and so does Open. The
// folder is made if need be; files of these names in it are replaced. license is as the
// Hub calls it; "" is that of the weights that info notes as its source, if any.
//
// differ says what timm does otherwise with a picture, "" if nothing. WriteFolder returns
// an error for what timm cannot express: see models.TimmFile, and pictures that are padded.
func WriteFolder(dir string, c *models.Classifier, info models.Info, license string) (differ string, err error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("pretrained: %w", err) }
	if len(info.Vocab) != c.Classes {
		return fail(fmt.Errorf("%d names for %d classes", len(info.Vocab), c.Classes))
	}
	name, file, err := models.TimmFile(c)
	if err != nil {
		return "", err
	}
	s := settingsOf(info)
	if license == "" {
		license = s.Source.License
	}
	cfg, differ, err := timmConfig(name, c, info, license, file)
	if err != nil {
		return fail(err)
	}
	b, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fail(err)
	}
	if err := weights.Save(filepath.Join(dir, weightFiles[0]), file); err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{ConfigFile: append(b, '\n'), "README.md": card(name, c, info, s, license, differ)} {
		if err := files.WriteFile(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		}); err != nil {
			return fail(err)
		}
	}
	return differ, nil
}

// timmConfig is the configuration as timm.models.save_for_hf writes it.
func timmConfig(name string, c *models.Classifier, info models.Info, license string, file *weights.File) (cfg map[string]any, differ string, err error) {
	p := info.Preprocess
	crop, mode := p.CropPct, "center"
	switch {
	case p.Method == preprocess.Pad:
		return nil, "", errors.New("pictures are padded to squares, which timm's preprocessing does not do: train with --resize crop or squish")
	case p.Method == preprocess.Squish:
		mode = "squash"
	}
	if crop == 0 {
		crop = 1
		differ = "timm resizes pictures at once and looks at all of the short side; here they are resized in fastai's way, so that scores differ a little"
	}
	if p.RawEXIF {
		differ = strings.TrimPrefix(differ+"; the EXIF orientation is left unapplied, as timm's transforms do by themselves", "; ")
	}
	pretrained := map[string]any{
		"num_classes": c.Classes, "input_size": []int{3, p.Size, p.Size}, "crop_pct": crop, "crop_mode": mode,
		"interpolation": p.Interpolation.String(), "mean": decimals(p.Mean), "std": decimals(p.Std),
	}
	args := map[string]any{}
	state := nn.State(c)
	for i, e := range state {
		if e.Kind == nn.ConvWeight && pretrained["first_conv"] == nil {
			pretrained["first_conv"] = strings.TrimSuffix(file.Arrays[i].Name, ".weight")
		}
		if e.Kind == nn.LinearWeight {
			pretrained["classifier"] = strings.TrimSuffix(file.Arrays[i].Name, ".weight")
		}
		if file.Arrays[i].Name == "pos_embed" {
			patches := file.Arrays[i].Shape[1]
			patch := patchOf(file)
			if side := int(math.Sqrt(float64(patches))); patch > 0 {
				args["img_size"] = side * patch
				if side*patch != p.Size {
					args["dynamic_img_size"] = true // positions are resampled
				}
			}
		}
	}
	if license != "" {
		pretrained["license"] = license
	}
	cfg = map[string]any{
		"architecture": name, "num_classes": c.Classes, "num_features": c.Arch.Features, "label_names": info.Vocab, "pretrained_cfg": pretrained,
	}
	if len(args) > 0 {
		cfg["model_args"] = args
	}
	return cfg, differ, nil
}

// patchOf is the side of a vision transformer's patches.
func patchOf(f *weights.File) int {
	for i := range f.Arrays {
		if a := &f.Arrays[i]; a.Name == "patch_embed.proj.weight" && len(a.Shape) == 4 {
			return a.Shape[3]
		}
	}
	return 0
}

// decimals are the shortest numbers that stand for v.
func decimals(v [3]float32) []json.Number {
	var out []json.Number
	for _, x := range v {
		b, _ := json.Marshal(x) // of a number
		out = append(out, json.Number(b))
	}
	return out
}

// settings are what a model's notes say of its training.
type settings struct {
	Source Source `json:"source"`
	Config struct {
		Data         string  `json:"data"`
		Weights      string  `json:"weights"`
		WeightsFixed string  `json:"weights_fixed"`
		Epochs       int     `json:"epochs"`
		FreezeEpochs int     `json:"freeze_epochs"`
		LR           string  `json:"lr"`
		Schedule     string  `json:"schedule"`
		WeightDecay  float64 `json:"weight_decay"`
		LayerDecay   float64 `json:"layer_decay"`
		Batch        int     `json:"batch"`
		Augment      bool    `json:"augment"`
		MixUp        float64 `json:"mixup"`
		Smoothing    float64 `json:"label_smoothing"`
		Valid        string  `json:"valid"`
		Seed         uint64  `json:"seed"`
	} `json:"config"`
	History []map[string]any `json:"history"`
}

// settingsOf reads what it can of the notes: they are free text.
func settingsOf(info models.Info) (s settings) {
	_ = json.Unmarshal(info.Training, &s)
	return s
}

// card is README.md: the Hub's fields, and for people what the network was trained on
// and how well it does.
func card(name string, c *models.Classifier, info models.Info, s settings, license, differ string) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("---\ntags:\n- image-classification\n- timm\n- whippet\npipeline_tag: image-classification\nlibrary_name: timm")
	if license != "" {
		line("license: %q", license)
	}
	line("---\n# %s for %d classes\n", name, c.Classes)
	if from := s.Source.Weights; from != "" {
		if filepath.IsAbs(from) { // where it was is nobody's business who gets the folder
			from = filepath.Base(filepath.Dir(from))
		}
		line("Weights %s as published, written by Whippet.\n", quoted([]string{from})[0])
	} else {
		line("An image classifier that Whippet trained.\n")
	}
	line("```python\nmodel = timm.create_model(\"local-dir:FOLDER\", pretrained=True).eval()\ndata = timm.data.resolve_data_config({}, model=model)\ntransform = timm.data.create_transform(**data)\n```\n")
	if differ != "" {
		line("Pictures: %s.\n", differ)
	}
	line("## Classes\n")
	if len(info.Vocab) <= 200 {
		line("%s\n", strings.Join(quoted(info.Vocab), ", "))
	} else {
		line("%d; `label_names` in `config.json` has their names.\n", len(info.Vocab))
	}
	line("## Pictures\n\n%d×%d, mean %v, standard deviation %v, %s.\n", info.Preprocess.Size, info.Preprocess.Size, decimals(info.Preprocess.Mean), decimals(info.Preprocess.Std), info.Preprocess.Interpolation)
	line("## Data\n")
	if t := s.Config; t.Data != "" {
		line("%s; for validation: %s.\n", quoted([]string{filepath.Base(t.Data)})[0], t.Valid)
		weights := t.Weights
		if t.WeightsFixed != "" {
			weights = t.WeightsFixed
		}
		line("## Training\n\n| setting | value |\n|---|---|")
		for _, row := range [][2]any{{"initial weights", filepath.Base(weights)}, {"epochs", fmt.Sprintf("%d, before them %d with a frozen body", t.Epochs, t.FreezeEpochs)},
			{"learning rate", t.LR}, {"schedule", t.Schedule}, {"weight decay", t.WeightDecay}, {"layer decay", cmp.Or(t.LayerDecay, 1)}, {"batch", t.Batch}, {"augmentation", t.Augment},
			{"mixup", t.MixUp}, {"label smoothing", t.Smoothing}, {"seed", t.Seed}} {
			line("| %v | %s |", row[0], strings.ReplaceAll(fmt.Sprint(row[1]), "|", `\|`))
		}
		line("")
	} else {
		line("Not noted in the model.\n")
	}
	line("## Scores\n")
	if len(s.History) > 0 {
		line("On the validation pictures, after the last epoch:\n\n| | |\n|---|---|")
		last := s.History[len(s.History)-1]
		for _, k := range slices.Sorted(maps.Keys(last)) {
			if v, ok := last[k].(float64); ok && k != "epoch" && k != "phase" && k != "train_loss" {
				line("| %s | %.6g |", k, v)
			}
		}
		line("")
	} else {
		line("Not noted in the model.\n")
	}
	line("## License\n")
	if license != "" {
		line("`%s`", license)
	} else {
		line("Not stated.")
	}
	return b.Bytes()
}

// quoted are names as code, so that no character of them is markup.
func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "`" + strings.NewReplacer("`", "'", "\n", " ").Replace(n) + "`"
	}
	return out
}
