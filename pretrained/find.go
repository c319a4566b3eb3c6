package pretrained

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/hub"
	"github.com/whippet-ml/whippet/internal/nearest"
	"github.com/whippet-ml/whippet/models"
)

// weightFiles are the names of weights in a folder of the Hub's layout, the preferred
// first.
var weightFiles = []string{"model.safetensors", "pytorch_model.bin"}

// SavedModel returns the file of weights that name is or, for a folder, has; "" if
// there is neither a file nor a folder of this name.
func SavedModel(name string) string {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return ""
	case !info.IsDir():
		return name
	}
	for _, f := range weightFiles {
		if isFile(filepath.Join(name, f)) {
			return filepath.Join(name, f)
		}
	}
	return filepath.Join(name, weightFiles[0])
}

// Find says which weights a name stands for:
//
//	FILE or FOLDER            weights on this machine; a config.json beside them or in the folder describes them
//	resnet50                  the architecture's default weights
//	resnet50.IMAGENET1K_V2    torchvision's, or IMAGENET1K_V2 alone where a says the architecture
//	timm/resnet50.a1_in1k     timm's, also without timm/, and a1_in1k alone where a is given
//	hf:ORG/REPO[@REVISION]    a repository of the Hugging Face Hub in timm's layout
//
// a, if not nil, is the architecture that they must be of. Of the Hub's, the
// configuration is downloaded, and of no others anything. It returns an error for
// names that stand for nothing, with the nearest ones that do, for weights of another
// architecture, and for configurations with impossible values.
func Find(ctx context.Context, name string, a *models.Architecture, o Options) (*Weights, error) {
	w, err := o.find(ctx, name, a)
	if err == nil && a != nil && w.Arch != nil && w.Arch != a {
		err = fmt.Errorf("these are weights of %s, not of %s", w.Arch, a)
	}
	if err != nil {
		return nil, fmt.Errorf("pretrained: %.200s: %w", name, err)
	}
	return w, nil
}

// Default returns the architecture's default weights. It returns an error for one
// without published weights.
func Default(ctx context.Context, a *models.Architecture, o Options) (*Weights, error) {
	if len(a.Weights) == 0 {
		return nil, fmt.Errorf("pretrained: %s: %w: give a weights file, or train from random weights", a.Name, ErrNoWeights)
	}
	w, err := o.published(ctx, a, a.Weights[0])
	if err != nil {
		return nil, fmt.Errorf("pretrained: weights of %s: %w; without a network, give a weights file, or train from random weights", a.Name, err)
	}
	return w, nil
}

// ErrNoWeights means that an architecture has no published weights.
var ErrNoWeights = errors.New("no published weights")

func (o Options) find(ctx context.Context, name string, a *models.Architecture) (*Weights, error) {
	if file := SavedModel(name); file != "" {
		return o.fromFile(file)
	}
	for _, prefix := range []string{"hf:", "hf-hub:", "hf_hub:"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			r, err := hub.ParseRepo(rest)
			if err != nil {
				return nil, err
			}
			return o.atHub(ctx, r)
		}
	}
	if looksLikePath(name) {
		return nil, &UnknownName{}
	}
	short := strings.TrimPrefix(name, "timm/")
	if arch, tag, ok := split(short, a); ok {
		if a != nil && arch != a { // nothing need be asked for
			return nil, fmt.Errorf("these are weights of %s, not of %s", arch, a)
		}
		if tag == "" {
			return Default(ctx, arch, o)
		}
		for _, p := range arch.Weights {
			if p.Name == tag {
				return o.published(ctx, arch, p)
			}
		}
		if short != name { // newer than the table
			w, err := o.atHub(ctx, hub.Repo{Name: name, Revision: hub.Main})
			if err != nil {
				err = fmt.Errorf("%w%s", err, nearest.Hint(name, known(a)))
			}
			return w, err
		}
	}
	if strings.HasPrefix(name, "IMAGENET1K_") && a == nil {
		return nil, errors.New("several networks have weights of this name: say of which, as in resnet50." + name)
	}
	if r, err := hub.ParseRepo(name); err == nil && strings.Contains(r.Name, "/") && short == name {
		return nil, &UnknownName{Hint: fmt.Sprintf("; a repository of the Hub is called hf:%s", r)}
	}
	return nil, &UnknownName{Hint: nearest.Hint(name, known(a))}
}

// UnknownName is the error for a name that stands for no weights: neither for a file or
// folder on this machine nor for published ones.
type UnknownName struct {
	Hint string // the nearest known names, as the end of a sentence; or ""
}

func (e *UnknownName) Error() string {
	return "there is no such file or folder, nor published weights of this name" +
		cmp.Or(e.Hint, "; give a .pth or .safetensors file, a folder with config.json and model.safetensors, or a name that whippet models --weights lists")
}

// split takes ARCH.TAG, ARCH, TAG (of a's) or torchvision's ResNet50_Weights.TAG apart.
func split(name string, a *models.Architecture) (arch *models.Architecture, tag string, ok bool) {
	if a != nil && slices.ContainsFunc(a.Weights, func(p models.Published) bool { return p.Name == name }) {
		return a, name, true
	}
	head, tag, _ := strings.Cut(name, ".")
	if arch, err := models.ByName(head); err == nil {
		return arch, tag, true
	}
	if enum, is := strings.CutSuffix(head, "_Weights"); is {
		for _, n := range models.Names() {
			if strings.EqualFold(strings.ReplaceAll(n, "_", ""), strings.ReplaceAll(enum, "_", "")) {
				arch, err := models.ByName(n)
				return arch, strings.Replace(tag, "DEFAULT", "", 1), err == nil
			}
		}
	}
	return nil, "", false
}

// NameOf is what Find calls published weights of a: timm/resnet50.a1_in1k,
// resnet50.IMAGENET1K_V2.
func NameOf(a *models.Architecture, p models.Published) string {
	if p.Hub != "" {
		return p.Hub
	}
	return a.Name + "." + p.Name
}

// known lists the names of weights, of all architectures or of a alone.
func known(a *models.Architecture) []string {
	var names []string
	for _, n := range models.Names() {
		arch, err := models.ByName(n)
		if err != nil || a != nil && arch != a {
			continue
		}
		if a == nil {
			names = append(names, n)
		}
		for _, p := range arch.Weights {
			if a != nil {
				names = append(names, p.Name)
			} else {
				names = append(names, NameOf(arch, p))
			}
		}
	}
	return names
}

func looksLikePath(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".safetensors", ".pth", ".pt", ".bin", ".pkl", ".onnx":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") || strings.Contains(name, `\`) || strings.HasSuffix(name, "/")
}

// fromFile describes the weights in a file by the configuration beside it, if there
// is one.
func (o Options) fromFile(file string) (*Weights, error) {
	w := &Weights{Name: file, Fixed: file, file: file, o: o}
	path := filepath.Join(filepath.Dir(file), ConfigFile)
	if !slices.Contains(weightFiles, filepath.Base(file)) || !isFile(path) {
		return w, nil
	}
	switch err := w.readConfig(path); {
	case err == nil:
		w.Configured = true
	case !errors.Is(err, errOtherConfig):
		return nil, err
	}
	return w, nil
}

// published describes weights of the table.
func (o Options) published(ctx context.Context, a *models.Architecture, p models.Published) (*Weights, error) {
	if p.Hub != "" {
		r, err := hub.ParseRepo(p.Hub)
		if err != nil {
			return nil, err
		}
		return o.atHub(ctx, r)
	}
	l, err := labels(p.Classes, nil, nil)
	name := NameOf(a, p)
	return &Weights{Name: name, Fixed: name, Arch: a, Configured: true, Classes: p.Classes, Labels: l, License: p.License, Preprocess: p.Preprocess, url: p.URL, o: o}, err
}

// atHub describes weights of the Hub by their configuration.
func (o Options) atHub(ctx context.Context, r hub.Repo) (*Weights, error) {
	c, err := o.client()
	if err != nil {
		return nil, err
	}
	path, commit, err := c.File(ctx, r, ConfigFile)
	switch {
	case errors.Is(err, hub.ErrNoFile):
		return nil, fmt.Errorf("the repository has no %s, which would say what its weights are of", ConfigFile)
	case err != nil:
		return nil, err
	}
	w := &Weights{Name: r.String(), Configured: true, repo: hub.Repo{Name: r.Name, Revision: commit}, o: o}
	w.Fixed = "hf:" + w.repo.String()
	switch err := w.readConfig(path); {
	case errors.Is(err, errOtherConfig):
		return nil, fmt.Errorf("its %s names no architecture", ConfigFile)
	case err != nil:
		return nil, err
	}
	return w, nil
}
