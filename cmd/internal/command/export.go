package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/weights"
)

// exportFlags are what export writes and how.
type exportFlags struct {
	out               []string // names that end in .onnx or .safetensors, and folders
	onnx, safetensors string   // the same by the names that the flags had
	license           string   // of the weights, for the model card
	graph             models.ONNXOptions
}

func newExport() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export MODEL --out FILE.onnx|FILE.safetensors|FOLDER/",
		Short: "Write a trained model for other programs: ONNX, plain safetensors, or a folder for timm",
		Long: modelHelp + `

It is written for other programs, in the form that the ending of the file's name says.
--out may be given more than once.

FILE.onnx is a graph that ONNX Runtime and others run. Its input is a batch of
any size, normalized float32 RGB [N,3,S,S]; with --pixels 8-bit RGB [N,S,S,3],
scaling and normalization inside; with --preprocess 8-bit RGB [N,H,W,3] of any
height and width, cropping and resizing inside too. Class names and preprocessing
are in the model's metadata.

FILE.safetensors has the parameters alone. The body has torchvision's names, so
that its model takes them:

  model = torchvision.models.resnet34()
  model.load_state_dict(safetensors.torch.load_file(FILE), strict=False)

FOLDER/ (the name ends in /) has the layout of the Hugging Face Hub: weights under timm's
names, config.json and a model card, README.md, with classes, data, settings, scores and
the license that --license states. timm opens it with
create_model('local-dir:FOLDER', pretrained=True), and so do predict and serve. Train with
--head own for it: timm does not have fastai's head.`,
		Example: `  whippet export runs/pets --out pets.onnx --preprocess --softmax
  whippet export runs/pets --out pets.safetensors
  whippet export runs/pets --out pets-timm/ --license cc-by-4.0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), cmd.OutOrStdout(), args[0]) },
	}
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.out, "out", "o", nil, "file to write, .onnx or .safetensors, or a folder for timm, with a / at its end")
	fl.StringVar(&f.license, "license", "", "folder: the license of the weights as the Hub calls it, such as apache-2.0; left out, that of the published weights")
	fl.StringVar(&f.onnx, "onnx", "", "write an ONNX model to this file")
	fl.StringVar(&f.safetensors, "safetensors", "", "write the parameters to this file")
	for _, old := range []string{"onnx", "safetensors"} {
		_ = fl.MarkDeprecated(old, "it is --out FILE."+old+" now") // the flag is there
	}
	fl.IntVar(&f.graph.Batch, "batch", 0, "ONNX: fix the number of pictures of a batch; 0 leaves it free")
	fl.BoolVar(&f.graph.Probabilities, "softmax", false, "ONNX: give probabilities instead of logits: a softmax, or a sigmoid for each of several labels; numbers are what they are with it or without")
	fl.BoolVar(&f.graph.Pixels, "pixels", false, "ONNX: take 8-bit RGB pixels and normalize them in the graph")
	fl.BoolVar(&f.graph.Preprocess, "preprocess", false, "ONNX: take whole pictures as 8-bit RGB and crop, resize and normalize them in the graph")
	return cmd
}

func (f *exportFlags) run(ctx context.Context, w io.Writer, model string) error {
	var graphs, parameters, folders []string
	for _, path := range f.out {
		if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
			folders = append(folders, path)
			continue
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".onnx":
			graphs = append(graphs, path)
		case ".safetensors":
			parameters = append(parameters, path)
		default:
			return fmt.Errorf("--out %s: the name must end in .onnx or .safetensors, or in / for a folder", path)
		}
	}
	if f.onnx != "" {
		graphs = append(graphs, f.onnx)
	}
	if f.safetensors != "" {
		parameters = append(parameters, f.safetensors)
	}
	if len(graphs)+len(parameters)+len(folders) == 0 {
		return errors.New("say what to write: --out FILE.onnx, --out FILE.safetensors or --out FOLDER/")
	}
	if f.license != "" && len(folders) == 0 {
		return fmt.Errorf("--license %s goes into the model card of --out FOLDER/: name a folder", f.license)
	}
	c, info, err := openModel(ctx, model)
	if err != nil {
		return err
	}
	for _, path := range graphs {
		if err := f.writeONNX(w, path, c, info); err != nil {
			return err
		}
	}
	for _, path := range folders {
		if err := f.writeFolder(w, path, c, info); err != nil {
			return err
		}
	}
	for _, path := range parameters {
		file := &weights.File{Metadata: map[string]string{"format": "pt"}, Arrays: nn.State(c).Arrays()}
		if err := weights.Save(path, file); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d arrays of %s\n", path, len(file.Arrays), info.Arch)
	}
	return nil
}

func (f *exportFlags) writeFolder(w io.Writer, path string, c *models.Classifier, info models.Info) error {
	differ, err := pretrained.WriteFolder(path, c, info, f.license)
	switch {
	case errors.Is(err, models.ErrNoTimmHead):
		return fmt.Errorf("--out %s: %w with --head own", path, err)
	case err != nil:
		return fmt.Errorf("--out %s: %w", path, err)
	}
	fmt.Fprintf(w, "%s: %s for timm, %s, input %d×%[4]d, with a model card\n", path, c.Arch.Name, answers(info), info.Preprocess.Size)
	if differ != "" {
		fmt.Fprintf(w, "note: %s\n", differ)
	}
	return nil
}

func (f *exportFlags) writeONNX(w io.Writer, path string, c *models.Classifier, info models.Info) error {
	g, err := models.ONNX(c, info, f.graph)
	if err != nil {
		return err
	}
	if err := g.Save(path); err != nil {
		return err
	}
	input := fmt.Sprintf("%d×%d", info.Preprocess.Size, info.Preprocess.Size)
	if f.graph.Preprocess {
		input = "of any size"
	}
	fmt.Fprintf(w, "%s: ONNX opset %d, %s, %s, input %s\n", path, onnx.Opset, info.Arch, answers(info), input)
	return nil
}

// answers says with how many of what a saved model answers.
func answers(info models.Info) string {
	t, err := task.ByName(info.Task)
	if err != nil {
		t = task.SingleLabel // of a task that opening the model would have refused
	}
	return outputs(t, len(info.Vocab))
}

// outputs says that a model answers with n classes, labels or numbers.
func outputs(t task.Task, n int) string {
	kind, kinds := "class", "classes"
	switch {
	case task.Continuous(t):
		kind, kinds = "number", "numbers"
	case !t.Exclusive():
		kind, kinds = "label", "labels"
	}
	if n == 1 {
		kinds = kind
	}
	return fmt.Sprintf("%d %s", n, kinds)
}
