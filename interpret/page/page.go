// Package page writes the interpretation of a classifier as one HTML file that
// opens without a network: summary, training curves, scores of every class, a
// confusion matrix whose cells show their pictures, the pairs confused most,
// the largest losses with Grad-CAM, and calibration. For pictures with several labels it has
// every label's scores, mistakes and calibration, and which labels come together; for pictures with numbers
// every number's scores, predicted against actual, and the largest errors.
//
// Everything is inside the file, pictures as small JPEGs, and its security
// policy forbids it to load anything. It works by keyboard, on narrow screens,
// in light and dark, and its size is bounded however many classes and pictures
// there are.
package page

import (
	"cmp"
	"context"
	_ "embed" // the page's templates and scripts
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/interpret"
)

// Input is what a page is made from.
type Input struct {
	Title string           // above the page; "" is "What the model learned"
	Table *interpret.Table // required, with at least one row
	// Open reads a picture of the table again. It is called from several
	// goroutines at once. A picture that it cannot read is left out.
	Open interpret.Opener
	// Root is cut off the paths that are shown; "" shows them whole.
	Root string
	// Facts are lines about the model and the data: name and value.
	Facts [][2]string
	// History has a row for each epoch of training; nil shows no curves.
	History []Epoch
	// Abstention is the model's; nil where it always answers.
	Abstention *confidence.Abstention
	// Conformal is the model's; nil where it makes no sets of classes.
	Conformal *confidence.Conformal
	// Strange has how far the table's pictures are from those of training (Table.Strange); nil
	// where the model does not measure it.
	Strange *interpret.Strange
	// Looked belongs to the first len(Looked) of Table.TopLosses: where the
	// model looked. nil shows the top losses without.
	Looked []interpret.Looked
	Time   time.Time // shown as the day of the page; zero shows none
}

// DefaultTopLosses is what Options.TopLosses means when it is 0.
const DefaultTopLosses = 24

// Options bound the page; the zero value has the defaults.
type Options struct {
	TopLosses   int // examples with the largest loss; 0 means DefaultTopLosses
	Pairs       int // most confused pairs shown side by side; 0 means 12
	MaxPictures int // small pictures in all; 0 means 1200
	// MaxBytes bounds the small pictures' part of the file in bytes; 0 means
	// 11 MB, so that the file stays below 15 MB.
	MaxBytes int
	// Thumb is the longer side of a small picture in pixels; 0 means 144.
	Thumb int
}

// withDefaults puts the defaults in place of zero fields.
func (o Options) withDefaults() Options {
	o.TopLosses = cmp.Or(o.TopLosses, DefaultTopLosses)
	o.Pairs = cmp.Or(o.Pairs, 12)
	o.MaxPictures = cmp.Or(o.MaxPictures, 1200)
	o.MaxBytes = cmp.Or(o.MaxBytes, 11_000_000)
	o.Thumb = cmp.Or(o.Thumb, 144)
	return o
}

// Check reports the first option that is out of range.
func (o Options) Check() error {
	def := Options{}.withDefaults()
	o = o.withDefaults()
	for _, f := range []struct {
		name             string
		v, def, min, max int
	}{
		{"TopLosses", o.TopLosses, def.TopLosses, 1, 200}, {"Pairs", o.Pairs, def.Pairs, 1, 200}, {"MaxPictures", o.MaxPictures, def.MaxPictures, 1, 100_000},
		{"MaxBytes", o.MaxBytes, def.MaxBytes, 1, 1 << 30}, {"Thumb", o.Thumb, def.Thumb, 16, 1024},
	} {
		if f.v < f.min || f.v > f.max {
			return fmt.Errorf("page: Options.%s is %d; want %d to %d, or 0 for %d", f.name, f.v, f.min, f.max, f.def)
		}
	}
	return nil
}

//go:embed page.html
var pageHTML string

//go:embed page.js
var pageJS string

//go:embed parts.html
var partsHTML string

//go:embed common.js
var commonJS string

// parse returns the template of a page.
func parse(source string) *template.Template {
	return htmlpage.Parse(template.FuncMap{"percent": percent, "num": num, "num32": func(v float32) string { return num(float64(v)) }}, partsHTML, source)
}

var pageTemplate = parse(pageHTML)

// shared is what pages of every kind show.
type shared struct {
	htmlpage.Frame
	Facts   [][2]string
	Tiles   []tile
	Figures []htmlpage.Figure
	Epochs  *epochTable
	Missing int
}

// view is what the template of a page of classes shows.
type view struct {
	shared
	Classes  []classRow
	Macro    interpret.ClassScores
	Weighted interpret.ClassScores
	Pairs    []pairView
	Top      []topView
	Bins     []interpret.Bin
	Cal      interpret.Calibration
	Plot     template.URL
	Before   *before // without the model's temperature; nil where it has none
	Risk     riskView
	Sets     *interpret.Sets // nil where the model makes none
	Strange  *strangeView    // nil where the model does not measure it
}

// before is the calibration that the model would have without its temperature.
type before struct {
	Cal  interpret.Calibration
	Plot template.URL
}

// tile is one number of the summary.
type tile struct{ Name, Value, Note string }

// Write writes the page to w. Errors name what is wrong with the input; a
// canceled ctx ends the reading of pictures.
func Write(ctx context.Context, w io.Writer, in Input, o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	o = o.withDefaults()
	t := in.Table
	if t == nil || t.Len() == 0 {
		return errors.New("page: the table has no predictions: there is nothing to show")
	}
	if in.Open == nil {
		return errors.New("page: Input.Open is missing: pictures could not be read")
	}
	b := newBuilder(in, o)
	if t.Rows[0].Numbers != nil {
		return b.writeNumbers(ctx, w)
	}
	if t.Rows[0].Actual == interpret.NoClass {
		return b.writeLabels(ctx, w)
	}
	return b.writeClasses(ctx, w)
}

// writeClasses writes the page of pictures with one class each.
func (b *builder) writeClasses(ctx context.Context, w io.Writer) error {
	for i, r := range b.in.Table.Rows {
		if r.Actual == interpret.NoClass {
			return fmt.Errorf("page: row %d (%s) has not exactly one class, as the first row has: a table is of one task", i, r.Path)
		}
	}
	b.classes()
	if err := b.readPictures(ctx, wanted(b.in.Table, b.pairs, b.strangest())); err != nil {
		return err
	}
	v, err := b.view()
	if err != nil {
		return err
	}
	if err := b.complete(&v.shared, pageJS); err != nil {
		return err
	}
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("page: writing: %w", err)
	}
	return nil
}

// complete adds style, script and data.
func (b *builder) complete(s *shared, script string) error {
	return s.Complete(b.data, htmlpage.TableScript+commonJS+script)
}

// percent writes a share with one decimal, or two where one would hide it.
func percent(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v > 0 && v < 0.001 || v < 1-1e-9 && v > 0.9995: // sums of shares miss 1 by rounding
		return fmt.Sprintf("%.2f %%", 100*v)
	}
	return fmt.Sprintf("%.1f %%", 100*v)
}

// num writes a number with about four digits.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return fmt.Sprintf("%.4g", v)
}
