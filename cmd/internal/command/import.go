package command

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

func newImport() *cobra.Command {
	var arch, labels, out string
	p := preprocess.Config{}
	cmd := &cobra.Command{
		Use:   "import WEIGHTS --labels FILE|A,B,C --out MODEL",
		Short: "Turn the weights of a classifier that fastai trained into a model for predict and serve",
		Long: `Turn weights that fastai's vision_learner saved (learner.save, a .pth file) into a
model that predict, serve, interpret and export take. Nothing in the file is run.
The architecture is recognized by names and shapes. Class names and preprocessing
are not in such a file, so they are given: --labels in the order of
learner.dls.vocab, either a file with one name a line or the names themselves with
commas; --presize and --size as Resize and aug_transforms(size=…) had them, or
--size, --crop-pct and --interpolation as timm's data configuration has them.

In Python:
  learner.save('pets')                       # models/pets.pth
  open('labels.txt', 'w').write('\n'.join(learner.dls.vocab))

A learner.export file is a program rather than weights, and is refused.`,
		Example: `  whippet import models/pets.pth --labels labels.txt --out pets.safetensors
  whippet import cats.pth --labels cat,dog --presize 0 --size 128 --out cats.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if labels == "" || out == "" {
				return errors.New("give the class names with --labels and the file to write with --out")
			}
			vocab, err := readLabels(labels)
			if err != nil {
				return err
			}
			if p.Size < 1 || p.Size > 2048 || p.Presize < 0 || p.Presize > 2048 {
				return fmt.Errorf("--size %d, --presize %d: must be 1 to 2048 pixels, and 0 to 2048", p.Size, p.Presize)
			}
			if !(p.CropPct >= 0 && p.CropPct <= 1) {
				return fmt.Errorf("--crop-pct %v: must be above 0, and 1 at most; 0 prepares pictures with --presize, as fastai does", p.CropPct)
			}
			if p.CropPct > 0 && p.Method == preprocess.Pad {
				return fmt.Errorf("--crop-pct %v goes with --resize crop or squish, not with pad", p.CropPct)
			}
			if p.Short() > 2048 {
				return fmt.Errorf("--crop-pct %v: pictures would be scaled to %.0f pixels; 2048 is the most: give a larger share", p.CropPct, float64(p.Size)/p.CropPct)
			}
			var a *models.Architecture
			if arch != "" {
				if a, err = models.ByName(arch); err != nil {
					return fmt.Errorf("--arch: %w", err)
				}
			}
			f, err := weights.Load(args[0])
			if err != nil {
				return err
			}
			c, err := models.Import(f, a)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if len(vocab) != c.Classes {
				return fmt.Errorf("--labels %s: %d names, but %s has %d classes", labels, len(vocab), args[0], c.Classes)
			}
			if p.Size < c.Arch.MinSize {
				return fmt.Errorf("--size %d: %s needs pictures of %d pixels at least", p.Size, c.Arch.Name, c.Arch.MinSize)
			}
			p.Stats = c.Arch.Stats()
			if err := models.Save(out, c, models.Info{Vocab: vocab, Preprocess: p}); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %d classes, input %d×%d\n", out, c.Arch, c.Classes, p.Size, p.Size)
			return nil
		},
	}
	f, d := cmd.Flags(), run.Default()
	f.StringVar(&labels, "labels", "", "class names, in the network's order: a file with one a line, or names with commas between them")
	f.StringVarP(&out, "out", "o", "", "the model file to write")
	f.StringVar(&arch, "arch", "", "architecture; recognized by names and shapes when left out")
	f.IntVar(&p.Size, "size", d.Size, "side of the network's input in pixels")
	f.IntVar(&p.Presize, "presize", d.Presize, "square to which every picture is resized first, in pixels; 0 for none")
	f.TextVar(&p.Method, "resize", d.Resize, "`method` by which pictures become square: crop, pad or squish")
	f.TextVar(&p.Interpolation, "interpolation", preprocess.Bilinear, "`filter` that resizes pictures at first: bilinear (fastai's), or bicubic (that of most of timm's weights)")
	f.Float64Var(&p.CropPct, "crop-pct", 0, "scale the short side to size/`SHARE` and keep the middle, as timm and torchvision do; 0 resizes to --presize, as fastai does")
	f.BoolVar(&p.RawEXIF, "ignore-exif", true, "leave the EXIF orientation unapplied, as fastai does")
	return cmd
}

// readLabels reads the class names of a file or of a list with commas.
func readLabels(s string) ([]string, error) {
	b, err := os.ReadFile(s)
	if err != nil {
		if !strings.Contains(s, ",") {
			return nil, fmt.Errorf("--labels: %w", err)
		}
		return checkLabels(s, strings.Split(s, ","))
	}
	var names []string
	lines := bufio.NewScanner(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff")))
	for lines.Scan() {
		names = append(names, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--labels %s: %w", s, err)
	}
	for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
	}
	return checkLabels(s, names)
}

// checkLabels trims names and refuses those by which no answer could be told
// from another.
func checkLabels(source string, names []string) ([]string, error) {
	seen := map[string]int{}
	for i, n := range names {
		n = strings.TrimSpace(n)
		names[i] = n
		if n == "" {
			return nil, fmt.Errorf("--labels %.100s: name %d is empty", source, i+1)
		}
		if seen[n] > 0 {
			return nil, fmt.Errorf("--labels %.100s: names %d and %d are both %q", source, seen[n], i+1, n)
		}
		seen[n] = i + 1
	}
	return names, nil
}
