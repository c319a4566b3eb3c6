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
	"github.com/whippet-ml/whippet/weights"
)

// exportFlags are what export writes and how.
type exportFlags struct {
	out               []string // names that end in .onnx or .safetensors
	onnx, safetensors string   // the same by the names that the flags had
	graph             models.ONNXOptions
}

func newExport() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export MODEL --out FILE.onnx|FILE.safetensors",
		Short: "Write a trained model for other programs: ONNX, or plain safetensors",
		Long: `Write a model that train saved for other programs, in the form that the ending of
the file's name says. --out may be given more than once.

FILE.onnx is a graph that ONNX Runtime and others run. Its input is a batch of
any size, normalized float32 RGB [N,3,S,S]; with --pixels 8-bit RGB [N,S,S,3],
scaling and normalization inside; with --preprocess 8-bit RGB [N,H,W,3] of any
height and width, cropping and resizing inside too. Class names and preprocessing
are in the model's metadata.

FILE.safetensors has the parameters alone. The body has torchvision's names, so
that its model takes them:

  model = torchvision.models.resnet34()
  model.load_state_dict(safetensors.torch.load_file(FILE), strict=False)`,
		Example: `  whippet export runs/pets --out pets.onnx --preprocess --softmax
  whippet export runs/pets --out pets.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), cmd.OutOrStdout(), args[0]) },
	}
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.out, "out", "o", nil, "file to write, .onnx or .safetensors")
	fl.StringVar(&f.onnx, "onnx", "", "write an ONNX model to this file")
	fl.StringVar(&f.safetensors, "safetensors", "", "write the parameters to this file")
	for _, old := range []string{"onnx", "safetensors"} {
		_ = fl.MarkDeprecated(old, "it is --out FILE."+old+" now") // the flag is there
	}
	fl.IntVar(&f.graph.Batch, "batch", 0, "ONNX: fix the number of pictures of a batch; 0 leaves it free")
	fl.BoolVar(&f.graph.Probabilities, "softmax", false, "ONNX: give probabilities instead of logits")
	fl.BoolVar(&f.graph.Pixels, "pixels", false, "ONNX: take 8-bit RGB pixels and normalize them in the graph")
	fl.BoolVar(&f.graph.Preprocess, "preprocess", false, "ONNX: take whole pictures as 8-bit RGB and crop, resize and normalize them in the graph")
	return cmd
}

func (f *exportFlags) run(ctx context.Context, w io.Writer, model string) error {
	var graphs, parameters []string
	for _, path := range f.out {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".onnx":
			graphs = append(graphs, path)
		case ".safetensors":
			parameters = append(parameters, path)
		default:
			return fmt.Errorf("--out %s: the name must end in .onnx or .safetensors", path)
		}
	}
	if f.onnx != "" {
		graphs = append(graphs, f.onnx)
	}
	if f.safetensors != "" {
		parameters = append(parameters, f.safetensors)
	}
	if len(graphs)+len(parameters) == 0 {
		return errors.New("say what to write: --out FILE.onnx or --out FILE.safetensors")
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
	for _, path := range parameters {
		file := &weights.File{Metadata: map[string]string{"format": "pt"}, Arrays: nn.State(c).Arrays()}
		if err := weights.Save(path, file); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d arrays of %s\n", path, len(file.Arrays), info.Arch)
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
	fmt.Fprintf(w, "%s: ONNX opset %d, %s, %d classes, input %s\n", path, onnx.Opset, info.Arch, len(info.Vocab), input)
	return nil
}
