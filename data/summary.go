package data

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
)

// Summary builds the loaders as DataLoaders does and writes to w, step by
// step, what happens: which items were found, how the first was labeled, the
// split, the vocabulary, then what each transform does to one training picture
// and what a batch becomes. Where a step fails the output ends there and the
// error is returned, so that it shows how far things were right. It drives the
// code that training uses.
func (b Block) Summary(ctx context.Context, root string, w io.Writer) error {
	p := &printer{w: w}
	d, err := b.build(ctx, root, p)
	if err == nil {
		defer d.Close()
		err = d.summarize(ctx, p)
	}
	if err != nil {
		p.step("Error", "%v", err)
		return err
	}
	return p.err
}

// printer writes aligned lines: a step's name, then what it did.
type printer struct {
	w   io.Writer
	err error // of the first failed write
}

func (p *printer) step(name, format string, args ...any) {
	if p.err == nil {
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n            ")
		_, p.err = fmt.Fprintf(p.w, "%-11s %s\n", name, text)
	}
}

func (d *DataLoaders) summarize(ctx context.Context, p *printer) error {
	l, name := d.Train, "training"
	if len(l.Items()) == 0 {
		l, name = d.Valid, "validation"
	}
	if err := l.traceItem(p, d.Root, name); err != nil {
		return err
	}
	batch, err := l.OneBatch(ctx)
	if err != nil {
		return err
	}
	defer batch.Release()
	p.step("Batch", "%s of %d, %s per epoch", plural(len(batch.Index), name+" picture"), len(l.Items()), plural(l.Len(), "batch"))
	lo, hi, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, v := range batch.X.Data {
		lo, hi, sum = min(lo, float64(v)), max(hi, float64(v)), sum+float64(v)
	}
	p.step("", "%s → %v float32, from %.3f to %.3f, mean %.3f", describe(l.cfg.BatchTransforms), batch.X.Shape, lo, hi, sum/float64(len(batch.X.Data)))
	n := min(batch.Y.Len(), 8)
	labels := make([]string, n)
	for i := range labels {
		labels[i] = d.labels(batch.Y, i)
	}
	if batch.Y.Class != nil {
		p.step("", "labels %v: %s", batch.Y.Class[:n], strings.Join(labels, ", "))
	} else {
		p.step("", "labels: %s", strings.Join(labels, "; "))
	}
	if n := len(d.Valid.Items()); n > 0 && l != d.Valid {
		p.step("Validation", "%s in %s, in order, nothing random", plural(n, "picture"), plural(d.Valid.Len(), "batch"))
	}
	return nil
}

// traceItem takes one picture through the item transforms: the first, or with
// SkipDamaged the first that can be opened.
func (l *Loader) traceItem(p *printer, root, name string) error {
	for i, item := range l.cfg.Items {
		img, err := l.cfg.Source.Open(item)
		if err != nil {
			if l.cfg.Damaged == SkipDamaged && i < len(l.cfg.Items)-1 {
				p.step("Left out", "%s: %v", relative(root, item.Path), err)
				continue
			}
			return &ItemError{Path: item.Path, Err: err}
		}
		what := "without a label"
		if y := l.cfg.Targets; y.Class != nil {
			what = fmt.Sprintf("class %d", y.Class[i])
		} else if y.Values != nil {
			what = fmt.Sprintf("target %v", y.Row(i))
		}
		p.step("One picture", "%s, for %s, %s", relative(root, item.Path), name, what)
		p.step("", "opened: %d×%d RGB, 8 bits", img.Width, img.Height)
		r := l.itemStream(0, i, 0)
		for _, t := range steps(l.cfg.ItemTransforms) {
			if img, err = t.Apply(img, l.cfg.Train, r); err != nil {
				return &ItemError{Path: item.Path, Err: err}
			}
			p.step("", "%s → %d×%d", t, img.Width, img.Height)
		}
		return nil
	}
	return nil
}
