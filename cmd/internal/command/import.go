package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/internal/fastai"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

func newImport() *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use:   "import FILE --out MODEL",
		Short: "Turn a classifier that fastai trained into a model for predict and serve",
		Long: `Turn a classifier that fastai's vision_learner trained into a model that predict,
serve, interpret and export take. Nothing in the file is run, and nothing of it
has to be importable.

learner.export's file (export.pkl) has everything: architecture, parameters, class
names, sizes and normalization. Functions of your own that label or find pictures
are named and passed over. One that may change a picture at prediction is refused
by name; --ignore NAME passes over it.

learner.save's file (models/NAME.pth) has parameters alone. The architecture is
recognized by names and shapes; class names and preprocessing are given: --labels
in the order of learner.dls.vocab, either a file with one name a line or the names
themselves with commas; --presize, --resize and --pad-mode as Resize had them and
--size as aug_transforms(size=…) did, or the size of Resize where that had none; or
--size, --crop-pct and --interpolation as timm's data configuration has them.
In Python: open('labels.txt', 'w').write('\n'.join(map(str, learner.dls.vocab)))`,
		Example: `  whippet import export.pkl --out pets.safetensors
  whippet import models/pets.pth --labels labels.txt --out pets.safetensors
  whippet import cats.pth --labels cat,dog --presize 128 --size 128 --out cats.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.out == "" {
				return errors.New("give the file to write with --out")
			}
			for _, name := range []string{"size", "presize", "resize", "pad-mode", "interpolation", "crop-pct", "ignore-exif", "labels"} {
				if cmd.Flags().Changed(name) {
					o.given = append(o.given, name)
				}
			}
			return o.run(cmd.OutOrStdout(), args[0])
		},
	}
	p := &o.preprocess
	f, d := cmd.Flags(), run.Default()
	f.StringVar(&o.labels, "labels", "", "class names, in the network's order: a file with one a line, or names with commas between them; export.pkl has them")
	f.StringVarP(&o.out, "out", "o", "", "the model file to write")
	f.StringVar(&o.arch, "arch", "", "architecture; recognized when left out")
	f.StringSliceVar(&o.ignore, "ignore", nil, "`NAME` of a function, transform or callback in export.pkl that leaves pictures as they are; repeatable")
	f.IntVar(&p.Size, "size", d.Size, "side of the network's input in pixels")
	f.IntVar(&p.Presize, "presize", d.Presize, "square to which every picture is resized first, in pixels; 0 for none: pictures are sampled at --size at once")
	f.TextVar(&p.Method, "resize", d.Resize, "`method` by which pictures become square: crop, pad or squish")
	f.TextVar(&p.PadMode, "pad-mode", preprocess.Reflection, "`mode` of filling for --resize pad: reflection, border or zeros")
	f.TextVar(&p.Interpolation, "interpolation", preprocess.Bilinear, "`filter` that resizes pictures at first: bilinear (fastai's), or bicubic (that of most of timm's weights)")
	f.Float64Var(&p.CropPct, "crop-pct", 0, "scale the short side to size/`SHARE` and keep the middle, as timm and torchvision do; 0 resizes to --presize, as fastai does")
	f.BoolVar(&p.RawEXIF, "ignore-exif", true, "leave the EXIF orientation unapplied, as fastai does")
	return cmd
}

// importOptions is what the flags of import say.
type importOptions struct {
	labels, out, arch string
	ignore            []string
	preprocess        preprocess.Config
	given             []string // names of the flags about preprocessing and labels that were given
}

// run imports the file at path.
func (o *importOptions) run(w io.Writer, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file; give one that fastai's learn.export or learn.save, or torch.save, wrote", path)
	}
	var a *models.Architecture
	if o.arch != "" {
		var err error
		if a, err = models.ByName(o.arch); err != nil {
			return fmt.Errorf("--arch: %w", err)
		}
	}
	l, err := fastai.Load(path, fastai.Options{Ignore: o.ignore})
	switch {
	case errors.Is(err, fastai.ErrNoLearner):
		return o.weights(w, path, a)
	case err != nil:
		return err
	}
	return o.learner(w, path, l, a)
}

// learner imports what fastai exported.
func (o *importOptions) learner(w io.Writer, path string, l *fastai.Learner, a *models.Architecture) error {
	p := l.Preprocess
	for _, name := range o.given {
		if name == "size" && p.Size == 0 {
			if o.preprocess.Size < 1 || o.preprocess.Size > maxImportSize {
				return fmt.Errorf("--size %d: must be 1 to %d pixels", o.preprocess.Size, maxImportSize)
			}
			p.Size = o.preprocess.Size
			continue
		}
		return fmt.Errorf("--%s: %s says that itself; leave the flag away", name, path)
	}
	if p.Size == 0 {
		return fmt.Errorf("%s: the learner takes pictures in the size that they have, without Resize or aug_transforms(size=…); give that size, of squares, with --size", path)
	}
	c, err := l.Classifier(a)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, n := range l.Notes {
		fmt.Fprintf(w, "%s: %s\n", path, n)
	}
	return o.save(w, c, l.Vocab, p)
}

// weights imports parameters alone.
func (o *importOptions) weights(w io.Writer, path string, a *models.Architecture) error {
	p := o.preprocess
	if o.labels == "" {
		return errors.New("give the class names with --labels; learner.export's file has them in it")
	}
	if len(o.ignore) > 0 {
		return fmt.Errorf("--ignore is for learner.export's files, and %s has parameters alone", path)
	}
	vocab, err := readLabels(o.labels)
	if err != nil {
		return err
	}
	if p.Size < 1 || p.Size > maxImportSize || p.Presize < 0 || p.Presize > maxImportSize {
		return fmt.Errorf("--size %d, --presize %d: must be 1 to %d pixels, and 0 to %[3]d", p.Size, p.Presize, maxImportSize)
	}
	if !(p.CropPct >= 0 && p.CropPct <= 1) {
		return fmt.Errorf("--crop-pct %v: must be above 0, and 1 at most; 0 prepares pictures with --presize, as fastai does", p.CropPct)
	}
	if p.CropPct > 0 && p.Method == preprocess.Pad {
		return fmt.Errorf("--crop-pct %v goes with --resize crop or squish, not with pad", p.CropPct)
	}
	if p.PadMode != preprocess.Reflection && p.Method != preprocess.Pad {
		return fmt.Errorf("--pad-mode %s goes with --resize pad", p.PadMode)
	}
	if p.Short() > maxImportSize {
		return fmt.Errorf("--crop-pct %v: pictures would be scaled to %.0f pixels; %d is the most: give a larger share", p.CropPct, float64(p.Size)/p.CropPct, maxImportSize)
	}
	f, err := weights.Load(path)
	if err != nil {
		return err
	}
	c, err := models.Import(f, a)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(vocab) != c.Classes {
		return fmt.Errorf("--labels %s: %d names, but %s has %d classes", o.labels, len(vocab), path, c.Classes)
	}
	p.Stats = c.Arch.Stats()
	if p.Presize == 0 && p.CropPct == 0 {
		fmt.Fprintf(w, "%s: with --presize 0 pictures are sampled at %d×%[2]d in one step, sides stretched. fastai's Resize(%[2]d) without aug_transforms(size=…) is --presize %[2]d --size %[2]d\n", path, p.Size)
	}
	return o.save(w, c, vocab, p)
}

// maxImportSize bounds the sizes that flags give, in pixels.
const maxImportSize = 2048

func (o *importOptions) save(w io.Writer, c *models.Classifier, vocab []string, p preprocess.Config) error {
	if p.Size < c.Arch.MinSize {
		return fmt.Errorf("--size %d: %s needs pictures of %d pixels at least", p.Size, c.Arch.Name, c.Arch.MinSize)
	}
	if err := models.Save(o.out, c, models.Info{Vocab: vocab, Preprocess: p}); err != nil {
		return err
	}
	first := "as they are"
	switch {
	case p.CropPct > 0:
		first = fmt.Sprintf("scaled to %d, of which the middle (%s)", p.Short(), p.Method)
	case p.Presize > 0 && p.Method == preprocess.Pad:
		first = fmt.Sprintf("resized to %d (pad, %s)", p.Presize, p.PadMode)
	case p.Presize > 0:
		first = fmt.Sprintf("resized to %d (%s)", p.Presize, p.Method)
	}
	fmt.Fprintf(w, "%s: %s, %d classes, pictures %s, input %d×%[5]d\n", o.out, c.Arch, c.Classes, first, p.Size)
	return nil
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
