package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/pretrained"
)

func newEmbed() *cobra.Command {
	var out, label, from string
	var null bool
	var o predict.Options
	cmd := &cobra.Command{
		Use:   "embed MODEL FILE|FOLDER|GLOB|-... --out FILE",
		Short: "Write the features that a network's body has of pictures, as CSV, NumPy's NPY or safetensors",
		Long: `Write the features that the body of a network has of pictures: one vector for each, its
last map averaged, before the head. Vectors are close to each other for pictures that
the network finds alike, for search, clustering, or a classifier of another program.

` + modelHelp + ` Weights of a body without a head do
too. Pictures are prepared as the model prepares them for an answer.

The form of the file of --out is that of its name:
- .csv has the columns file, label (with --label) and f0, f1 and so on;
- .npy has the array [pictures,features] of float32, and FILE.files.csv beside it the
  columns file and label, row for row;
- .safetensors has the array features [pictures,features], with --label the array labels
  [pictures] of indices, and in its metadata the lists files and vocabulary as JSON.

FILE, FOLDER, GLOB and - are those of predict. All vectors are kept in memory until they
are written. A picture that cannot be read is reported and left out; the exit code is then 1.`,
		Example: `  whippet embed timm/resnet50.a1_in1k photos/ --out features.npy
  whippet embed runs/pets photos/ --label folder --out features.safetensors`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("name the file to write with --out: .csv, .npy or .safetensors")
			}
			form, err := features.Form(out)
			if err != nil {
				return fmt.Errorf("--out: %w", err)
			}
			if len(args) == 1 && from == "" {
				return errors.New("name the pictures: files, folders, globs, - for standard input, or --files-from LIST")
			}
			var labeler data.Labeler
			if label != "" {
				if labeler, err = run.PathLabeler(label); err != nil {
					return err
				}
			}
			ctx := cmd.Context()
			c, info, err := openBody(ctx, args[0])
			if err != nil {
				return err
			}
			e, err := predict.NewEmbedder(c, info, o)
			if err != nil {
				return err
			}
			src := &pictureArgs{ctx: ctx, args: args[1:], from: from, null: null, stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr(), maxBytes: o.Decode.MaxBytes}
			t := &features.Table{Width: e.Len()}
			failed, err := embed(ctx, e, src, labeler, t)
			if err == nil && len(t.Files) > 0 {
				err = writeFeatures(cmd.OutOrStdout(), out, form, t, map[string]string{"model": args[0], "architecture": c.Arch.Name})
			}
			return src.ended(err, "embedded", len(t.Files), failed)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "write the features to this file: .csv, .npy or .safetensors")
	f.StringVar(&label, "label", "", "labels to write too: folder, or regex:PATTERN on the file name")
	listFlags(cmd, &from, &null)
	pictureFlags(cmd, &o)
	return cmd
}

// embed adds the features of all pictures of src to t and returns how many could not be
// read, or not labeled, each of which it reports.
func embed(ctx context.Context, e *predict.Embedder, src *pictureArgs, labeler data.Labeler, t *features.Table) (failed int, err error) {
	if labeler != nil {
		t.Labels = []string{}
	}
	err = e.Each(ctx, src.inputs(), func(r predict.Embedding) error {
		label := ""
		if r.Err == nil && labeler != nil {
			label, r.Err = labelOf(labeler, r.Name)
		}
		if r.Err != nil {
			failed++
			problem := r.Err.Error()
			if r.Name == stdinName {
				problem = "standard input: " + problem
			}
			fmt.Fprintln(os.Stderr, "whippet:", problem)
			return nil
		}
		t.Add(r.Name, label, r.Features)
		return nil
	})
	if err == nil {
		err = src.fatal
	}
	if errors.Is(err, context.Canceled) {
		return failed, fmt.Errorf("stopped after %d pictures, nothing is written: %w", len(t.Files)+failed, err)
	}
	return failed, err
}

// labelOf returns the label of the picture in a file.
func labelOf(by data.Labeler, file string) (string, error) {
	all, err := by.Labels(filepath.Dir(filepath.Dir(file)), data.Item{Path: file})
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return strings.Join(all, " "), nil
}

func writeFeatures(w io.Writer, out, form string, t *features.Table, notes map[string]string) error {
	if err := files.WriteFile(out, func(w io.Writer) error { return t.Write(w, form, notes) }); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %d pictures, %d features each\n", out, len(t.Files), t.Width)
	if form != "npy" {
		return nil
	}
	beside := out + ".files.csv"
	if err := files.WriteFile(beside, t.WriteFiles); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: the pictures of its rows\n", beside)
	return nil
}

// openBody is openModel for those who use the body only.
func openBody(ctx context.Context, name string) (*models.Classifier, models.Info, error) {
	return openWith(ctx, name, pretrained.OpenBody)
}
