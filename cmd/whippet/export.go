package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

func newExport() *cobra.Command {
	var onnx, safetensors string
	var o models.ONNXOptions
	cmd := &cobra.Command{
		Use:   "export MODEL [--onnx FILE] [--safetensors FILE]",
		Short: "Write a trained model for other programs: ONNX, or plain safetensors",
		Long: `Write a model that train saved for other programs.

--onnx writes a graph that ONNX Runtime and others run. Its input is a batch of
any size, normalized float32 RGB [N,3,S,S]; with --pixels 8-bit RGB [N,S,S,3],
scaling and normalisation inside; with --preprocess 8-bit RGB [N,H,W,3] of any
height and width, cropping and resizing inside too. Class names and preprocessing
are in the model's metadata.

--safetensors writes the parameters alone. The body has torchvision's names, so
that its model takes them:

  model = torchvision.models.resnet34()
  model.load_state_dict(safetensors.torch.load_file(FILE), strict=False)`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if onnx == "" && safetensors == "" {
				return errors.New("say what to write: --onnx FILE or --safetensors FILE")
			}
			c, info, err := models.Load(modelPath(args[0]))
			if err != nil {
				return err
			}
			if onnx != "" {
				g, err := models.ONNX(c, info, o)
				if err != nil {
					return err
				}
				if err := g.Save(onnx); err != nil {
					return err
				}
				input := fmt.Sprintf("%d×%d", info.Preprocess.Size, info.Preprocess.Size)
				if o.Preprocess {
					input = "of any size"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ONNX opset %d, %s, %d classes, input %s\n", onnx, weights.ONNXOpset, info.Arch, len(info.Vocab), input)
			}
			if safetensors != "" {
				f := &weights.File{Metadata: map[string]string{"format": "pt"}, Arrays: nn.State(c).Arrays()}
				if err := weights.Save(safetensors, f); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d arrays of %s\n", safetensors, len(f.Arrays), info.Arch)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&onnx, "onnx", "", "write an ONNX model to this file")
	f.StringVar(&safetensors, "safetensors", "", "write the parameters to this file")
	f.IntVar(&o.Batch, "batch", 0, "ONNX: fix the number of pictures of a batch; 0 leaves it free")
	f.BoolVar(&o.Probabilities, "softmax", false, "ONNX: give probabilities instead of logits")
	f.BoolVar(&o.Pixels, "pixels", false, "ONNX: take 8-bit RGB pixels and normalize them in the graph")
	f.BoolVar(&o.Preprocess, "preprocess", false, "ONNX: take whole pictures as 8-bit RGB and crop, resize and normalize them in the graph")
	return cmd
}
