package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/vision"
)

// petsPattern is fastai's for the pets: the class is the file name up to the
// last underscore.
const petsPattern = `(.+)_\d+.jpg$`

// anyPattern is petsPattern for pictures of all kinds, and without extension.
const anyPattern = `^(.+)_\d+(?:\.[A-Za-z]+)?$`

// Prepare finds the data, downloading and extracting it if need be, and
// replaces every "auto" of the configuration by what it stands for, so that
// what is saved says exactly what was done. It returns the root folder.
func (c *Config) Prepare(ctx context.Context, opts ...datasets.UntarOption) (root string, err error) {
	if c.Data == Drawn {
		c.Label, c.Valid = or(c.Label, "regex:"+petsPattern), or(c.Valid, "0.2")
		return Drawn, nil
	}
	root, err = datasets.Untar(ctx, c.local(c.Data), opts...)
	if err != nil {
		return "", err
	}
	if c.Label == "auto" {
		if c.Label, err = guessLabel(ctx, root); err != nil {
			return "", err
		}
	}
	var table *data.Table
	if _, _, ok := TableLabel(c.Label); ok {
		if table, err = c.prepareTable(ctx, root); err != nil {
			return "", err
		}
	}
	if c.Valid == "auto" {
		if c.Valid, err = guessSplit(root, c.Label, table); err != nil {
			return "", err
		}
	}
	if err := c.prepareGroup(table); err != nil {
		return "", err
	}
	if _, err := c.splitter(); err != nil { // what auto stands for may not go with the rest
		return "", err
	}
	if table == nil && strings.HasPrefix(c.Valid, "column:") {
		return "", fmt.Errorf("--valid %s: columns are those of a table, and --label is %s: give --label csv:FILE, or a share such as --valid 0.2", c.Valid, c.Label)
	}
	return root, nil
}

// TableLabel takes a --label apart that names a table: csv:FILE[:COLUMN], or columns:FILE[:COLUMN,COLUMN],
// where each label has a column. ok is false for others.
func TableLabel(label string) (kind, rest string, ok bool) {
	kind, rest, _ = strings.Cut(label, ":")
	return kind, rest, kind == "csv" || kind == labelColumns
}

// prepareTable finds the table of --label csv:FILE or columns:FILE and its columns, and says
// both in full from then on.
func (c *Config) prepareTable(ctx context.Context, root string) (*data.Table, error) {
	kind, whole, _ := TableLabel(c.Label)
	file, column := cutColumn(whole)
	if whole != file && !hasTable(root, c.local(file)) && hasTable(root, c.local(whole)) {
		file, column = whole, "" // the colon belongs to the name
	}
	file, err := findTable(root, c.local(file))
	if err != nil {
		return nil, fmt.Errorf("--label %s: %w", c.Label, err)
	}
	table, err := c.source(file).Table(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("--label %s: %w", c.Label, err)
	}
	if kind == labelColumns && column == "" {
		column, err = c.findMarkColumns(table)
	} else if column == "" {
		column, err = table.LabelColumn()
	} else if c.TaskName == regression || kind == labelColumns {
		column, err = findColumns(table, column)
	} else {
		var k int
		if k, err = table.Column(column); err == nil {
			column = table.Columns[k]
		}
	}
	if err != nil {
		return nil, fmt.Errorf("--label %s: %w", c.Label, err)
	}
	if column == table.PathColumn {
		return nil, fmt.Errorf("--label %s: the column %q names the pictures; say which one has the labels, as in %s:%s:COLUMN, or which one the pictures, with --path-column", c.Label, column, kind, file)
	}
	c.Label, c.PathColumn = kind+":"+file+":"+column, table.PathColumn
	if name, isColumn := strings.CutPrefix(c.Valid, "column:"); isColumn && name != "" {
		k, err := table.Column(name)
		if err != nil {
			return nil, fmt.Errorf("--valid %s: %w", c.Valid, err)
		}
		c.Valid = "column:" + table.Columns[k]
	}
	return table, nil
}

// findTable returns where a table lies: in the data's folder, or where the
// program was started, from where a shell completes names.
func findTable(root, file string) (string, error) {
	if filepath.IsAbs(file) {
		return file, nil
	}
	inRoot, rootErr := os.Stat(filepath.Join(root, file))
	here, hereErr := os.Stat(file)
	switch {
	case rootErr == nil && hereErr == nil && !os.SameFile(inRoot, here):
		return "", fmt.Errorf("there is a %s in %s and another in the working directory: give the path of the one you mean from /", file, root)
	case rootErr == nil:
		return file, nil
	case hereErr == nil:
		return filepath.Abs(file)
	}
	return "", fmt.Errorf("there is no table %s, neither in %s nor in the working directory", file, root)
}

// hasTable reports whether there is a file of that name where findTable looks.
func hasTable(root, file string) bool {
	return isFile(file) || !filepath.IsAbs(file) && isFile(filepath.Join(root, file))
}

// source is the table of the run's labels.
func (c Config) source(file string) data.CSV {
	return data.CSV{File: file, PathColumn: c.PathColumn, Images: vision.ImageFiles}
}

func or(v, auto string) string {
	if v == "auto" {
		return auto
	}
	return v
}

var asPets, numbered = regexp.MustCompile(petsPattern), regexp.MustCompile(anyPattern)

// guessLabel takes the folder as the label when the pictures lie in several,
// and the name up to the number when they lie in one and are named so.
func guessLabel(ctx context.Context, root string) (string, error) {
	items, err := vision.ImageFiles.List(ctx, root)
	if err != nil {
		return "", err
	}
	folders, pets, names := map[string]bool{}, 0, 0
	for _, it := range items {
		folders[filepath.Dir(it.Path)] = true
		if asPets.MatchString(filepath.Base(it.Path)) {
			pets++
		}
		if numbered.MatchString(filepath.Base(it.Path)) {
			names++
		}
	}
	switch {
	case len(folders) == 1 && pets == len(items):
		return "regex:" + petsPattern, nil
	case len(folders) == 1 && names == len(items):
		return "regex:" + anyPattern, nil
	case len(folders) > 1:
		return "folder", nil
	}
	hint := ""
	if tables := tablesIn(root); len(tables) > 0 {
		hint = fmt.Sprintf("; there is a table, so perhaps --label csv:%s", tables[0])
	}
	return "", fmt.Errorf("cannot tell the labels of the pictures in %s: they lie in one folder and %d of %d are not named CLASS_NUMBER with or without an extension: say where labels come from with --label regex:PATTERN, folder or csv:FILE%s",
		root, len(items)-names, len(items), hint)
}

// tablesIn lists the tables that lie in a folder.
func tablesIn(root string) (names []string) {
	for _, pattern := range []string{"*.csv", "*.tsv", "*.txt"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, f := range found {
			names = append(names, filepath.Base(f))
		}
	}
	return names
}

// guessSplit uses the table's column is_valid, or folders for training and
// validation, where there are such, in any case.
func guessSplit(root, label string, table *data.Table) (string, error) {
	if table != nil {
		if slices.Contains(table.Columns, "is_valid") {
			return "column:is_valid", nil
		}
		return "0.2", nil
	}
	train := folderOf(root, "train", "training")
	if train == "" {
		return "0.2", nil
	}
	bare := "" // a folder for validation without folders of classes
	for _, names := range [][]string{{"valid", "validation", "val", "dev"}, {"test", "testing"}} {
		v := folderOf(root, names...)
		if v == "" {
			continue
		}
		if label != "folder" && label != labelFolders || hasFolders(filepath.Join(root, v)) {
			return "folder:" + train + "," + v, nil
		}
		bare = v
	}
	if bare != "" {
		return "", fmt.Errorf("--data %s: the pictures in %s lie in no folders of classes, so they have no labels: give --data %s to leave them out", root, filepath.Join(root, bare), filepath.Join(root, train))
	}
	return "0.2", nil
}

// folderOf returns the folder below root that has the first of the names, in any
// case, or "".
func folderOf(root string, names ...string) string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return ""
	}
	for _, name := range names {
		for _, e := range entries {
			if strings.EqualFold(e.Name(), name) && isDir(filepath.Join(root, e.Name())) {
				return e.Name()
			}
		}
	}
	return ""
}

// hasFolders reports whether there is a folder in dir.
func hasFolders(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), ".") && isDir(filepath.Join(dir, e.Name()))
	})
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

func cutColumn(s string) (file, column string) {
	if i := strings.LastIndexByte(s, ':'); i > 1 { // not the colon of C:\
		return s[:i], s[i+1:]
	}
	return s, ""
}

// PathLabeler returns what --label stands for, of that which needs nothing but a picture's path.
func PathLabeler(label string) (data.Labeler, error) {
	if _, _, table := TableLabel(label); table || label == "auto" || label == labelFolders {
		return nil, fmt.Errorf("--label %s: it must be folder or regex:PATTERN here", label)
	}
	return Config{Label: label}.labeler()
}

// labeler returns what --label stands for.
func (c Config) labeler() (data.Labeler, error) {
	kind, arg, _ := strings.Cut(c.Label, ":")
	switch kind {
	case "auto":
		return nil, nil
	case "regex":
		re, err := regexp.Compile(arg)
		if err != nil {
			return nil, fmt.Errorf("--label %s: %w", c.Label, err)
		}
		if re.NumSubexp() < 1 {
			return nil, fmt.Errorf("--label %s: the pattern needs a group in parentheses for the label, as in (.+)_\\d+.jpg$", c.Label)
		}
		return data.RegexLabel(arg), nil
	case "folder":
		return data.ParentLabel, nil
	case labelFolders:
		return data.TreeLabels, nil
	case labelColumns:
		if arg == "" {
			return nil, errors.New("--label columns: name the file, as in columns:labels.csv or columns:labels.csv:COLUMN,COLUMN")
		}
		return data.MarkColumns(c.columns()...), nil
	case "csv":
		if arg == "" {
			return nil, errors.New("--label csv: name the file, as in csv:labels.csv or csv:labels.csv:COLUMN")
		}
		if c.TaskName == regression {
			return data.NumberColumns(c.columns()...), nil
		}
		_, column := cutColumn(arg) // filled in by Prepare
		if c.LabelDelim != "" {
			return data.ColumnLabels(column, c.LabelDelim), nil
		}
		return data.ColumnLabel(column), nil
	}
	return nil, fmt.Errorf("--label %q: must be regex:PATTERN, folder, folders, csv:FILE[:COLUMN], columns:FILE[:COLUMN,COLUMN] or auto", c.Label)
}

// Block returns the plan of the run's data.
func (c Config) Block(root string) (data.Block, error) {
	label, err := c.labeler()
	if err != nil {
		return data.Block{}, err
	}
	split, err := c.splitter()
	if err != nil {
		return data.Block{}, err
	}
	b := data.Block{Task: c.Task(), Items: vision.ImageFiles, Label: label, Split: split, BatchSize: c.Batch, Balance: c.Balance, Repeats: c.Repeats, Seed: c.streamSeed()}
	switch {
	case c.Data == Drawn:
		b.Items, b.CacheBytes = DrawnSource(), 256<<20 // drawn once, kept
	case c.Label == labelFolders:
		b.Items = data.Tree{Images: vision.ImageFiles, Parts: c.validFolders()}
	default:
		if _, rest, ok := TableLabel(c.Label); ok {
			file, _ := cutColumn(rest)
			b.Items = c.source(file)
		}
	}
	if kind, _, _ := TableLabel(c.Label); c.TaskName == regression || kind == labelColumns {
		b.Vocab = c.columns()
	}
	b.Items = vision.Oriented(b.Items, c.RawEXIF)
	if c.Damaged == "skip" {
		b.Damaged = data.SkipDamaged
	}
	last := c
	if c.Sizes != "" { // those of the learner's stages are others
		last = c.atSize(c.Size, 1)
	}
	items, batch, err := last.transforms()
	b.ItemTransforms, b.BatchTransforms = items, batch
	return b, err
}

// augmentation is what training pictures go through besides being prepared.
func (c Config) augmentation() vision.AugTransforms {
	if !c.Augment {
		return vision.NoAugmentation()
	}
	if c.AutoAugment != "" { // which moves and lights pictures itself
		a := vision.NoAugmentation()
		a.MinScale, a.NoFlip = c.MinScale, false
		return a
	}
	return vision.AugTransforms{MinScale: c.MinScale}
}

// CropPctFor returns the crop share, to three decimals, with which pictures are judged where the weights that training
// begins with were measured with the share pct: no tighter than what training itself shows on average. A crop of
// 0.875 suits weights whose training showed crops of 8 to 100 % of the area (Touvron and others 2019, Fixing the
// train-test resolution discrepancy); a network that goes on with fastai's crops of 75 % and more is used to
// nearly all of the picture, and does better when it is judged by that.
func (c Config) CropPctFor(pct float64) float64 {
	if pct == 0 || c.Presize == 0 || c.HeadOnly != "" { // not cut, or training pictures are cut so too
		return pct
	}
	return max(pct, math.Round(1000*c.augmentation().MeanCrop())/1000)
}

// DrawnSource is the drawn set of the demonstration: ten breeds.
func DrawnSource() drawn.Source {
	return drawn.Source{Options: drawn.Options{Task: drawn.Breeds, PerClass: 200, Size: 128}}
}

// Preprocess returns what a saved model says about its input.
func (c Config) Preprocess() preprocess.Config {
	p := preprocess.Config{Presize: c.Presize, Method: c.Resize, Size: c.Size, Stats: preprocess.ImageNetStats, Interpolation: c.Interpolation, CropPct: c.CropPct, RawEXIF: c.RawEXIF}
	if c.Stats != nil {
		p.Stats = *c.Stats
	} else if a, err := models.ByName(c.Arch); err == nil {
		p.Stats = a.Stats()
	}
	return p
}
