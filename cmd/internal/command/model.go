package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/pretrained"
)

// modelHelp says what MODEL may be.
const modelHelp = `MODEL is a model that train saved (a .safetensors file, or the folder of a run), or a
published one that works before any training: a name that whippet models lists, such
as timm/resnet50.a1_in1k, hf:ORG/REPO[@REVISION] for the Hugging Face Hub, or a folder
with its config.json and model.safetensors.`

// modelHere returns the file of a model on this machine. The error says what is there
// instead.
func modelHere(name string) (string, error) {
	file, err := run.FindModel(name)
	if err == nil {
		return file, nil
	}
	saved := pretrained.SavedModel(name) // a folder of the Hub's, whose file has another name
	if st, serr := os.Stat(saved); serr == nil && st.Mode().IsRegular() {
		return saved, nil
	}
	return "", err
}

// published tells of a name for which there is nothing on this machine, and perhaps
// nothing that is published.
func published(name string, missing, err error) error {
	var unknown *pretrained.UnknownName
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w; nor are there published weights of this name%s", missing, unknown.Hint)
	}
	return err
}

// openModel returns the classifier that MODEL stands for.
func openModel(ctx context.Context, name string) (*models.Classifier, models.Info, error) {
	return openWith(ctx, name, pretrained.Open)
}

func openWith(ctx context.Context, name string, open func(context.Context, string, pretrained.Options) (*models.Classifier, models.Info, error)) (*models.Classifier, models.Info, error) {
	p := newPrinter(io.Discard, false)
	defer p.close()
	o := pretrained.Options{Progress: p.bytes}
	file, missing := modelHere(name)
	if missing == nil {
		return open(ctx, file, o)
	}
	if _, err := os.Stat(name); err == nil {
		return nil, models.Info{}, missing
	}
	c, info, err := open(ctx, name, o)
	return c, info, published(name, missing, err)
}

// sourceFile returns the file that MODEL's weights are in, downloaded if need be, and
// a name by which openModel finds the same weights again.
func sourceFile(ctx context.Context, name string) (file, fixed string, err error) {
	file, missing := modelHere(name)
	if missing == nil {
		return file, file, nil
	}
	if _, err := os.Stat(name); err == nil {
		return "", "", missing
	}
	p := newPrinter(io.Discard, false)
	defer p.close()
	w, err := pretrained.Find(ctx, name, nil, pretrained.Options{Progress: p.bytes})
	if err != nil {
		return "", "", published(name, missing, err)
	}
	file, err = w.Path(ctx)
	return file, w.Fixed, err
}

// shortName is a name of a published model as a file or a service may be called by it.
func shortName(name string) string {
	name, _, _ = strings.Cut(name, "@")
	name = name[strings.LastIndexAny(name, `/:\`)+1:]
	return strings.Trim(unnamed.ReplaceAllString(name, "-"), "-")
}
