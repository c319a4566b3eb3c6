package command

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// printer shows how training goes: a table row for each epoch on standard
// output, as fastai prints it, or JSON lines; progress bars on standard error
// when that is a terminal, and a plain line now and then when it is not.
type printer struct {
	out, err io.Writer
	json     bool
	terminal bool
	bar      *progressbar.ProgressBar
	stage    string
	lastLine time.Time
	header   bool // the table's head is printed
	fitted   bool // a fit has begun
	taught   bool // what a teacher takes was told
	widths   []int
	began    time.Time
}

func newPrinter(out io.Writer, json bool) *printer {
	return &printer{out: out, err: os.Stderr, json: json, terminal: term.IsTerminal(int(os.Stderr.Fd())), began: time.Now()}
}

func (p *printer) close() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// note prints a remark that is no result.
func (p *printer) note(format string, args ...any) {
	p.close()
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "note", "text": fmt.Sprintf(format, args...)}))
		return
	}
	fmt.Fprintln(p.err, visible(fmt.Sprintf(format, args...)))
}

// visible is text with escapes for what a terminal would obey and not show: the names of
// files come from anywhere.
func visible(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// progress moves the bar, or prints a line every ten seconds without a terminal.
func (p *printer) progress(stage string, done, total int, unit string) {
	if p.terminal && !p.json {
		if p.bar == nil || p.stage != stage {
			p.close()
			p.stage = stage
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(stage),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
				progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionSetPredictTime(true))
		}
		_ = p.bar.Set(done)
		return
	}
	if p.stage != stage {
		p.stage, p.lastLine = stage, time.Now()
	}
	if time.Since(p.lastLine) < 10*time.Second {
		return
	}
	p.lastLine = time.Now()
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "progress", "stage": stage, "done": done, "total": total}))
	} else {
		fmt.Fprintf(p.err, "%s: %d of %d %s\n", stage, done, total, unit)
	}
}

func (p *printer) download(d datasets.Progress) {
	const mb = 1 << 20
	p.progress(d.Stage+" "+d.Name, int(d.Done/mb), int(max(d.Total, d.Done)/mb), "MB")
}

// bytes tells how much of a file of weights has come.
func (p *printer) bytes(file string, done, total int64) {
	const mb = 1 << 20
	if total >= mb { // what is smaller is there before it can be read
		p.progress("downloading "+file, int(done/mb), int(max(total, done)/mb), "MB")
	}
}

// found tells what the loaders found out and what they warn of.
func (p *printer) found(dls *data.DataLoaders) {
	for _, n := range dls.Notes {
		p.note("note: %s", n)
	}
	for _, w := range dls.Warnings {
		p.note("warning: %s", w)
	}
}

func (p *printer) start(c run.Config, dls *data.DataLoaders, from *train.Checkpoint) {
	p.close()
	p.found(dls)
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "start", "config": c, "classes": dls.Vocab,
			"training": len(dls.Train.Items()), "validation": len(dls.Valid.Items()), "resumed": from != nil}))
		return
	}
	if c.Still() {
		p.note("warning: with a learning rate of %s no weight changes", c.Rate())
	}
	if n := c.Batch / max(c.Shards, 1); c.Shards > 1 && n < train.RecommendedShard {
		p.note("note: batch norm sees shards of %d pictures; %d or more are recommended", n, train.RecommendedShard)
	}
	shards := ""
	if c.Shards > 1 {
		shards = fmt.Sprintf(" in %d shards", c.Shards)
	}
	what := outputs(dls.Task(), len(dls.Vocab))
	if task.Continuous(dls.Task()) {
		what += " a picture"
	}
	fmt.Fprintf(p.out, "%s: %s, %d pictures to train on, %d to validate on\n", c.Data, what, len(dls.Train.Items()), len(dls.Valid.Items()))
	fmt.Fprintf(p.out, "%s, weights %s, %d×%d, batch %d%s, labels by %s, validation by %s, seed %d\n", c.Arch, cmp.Or(c.From, c.Weights), c.Size, c.Size, c.Batch, shards, c.Label, c.Valid, c.Seed)
	if c.Distill != "" {
		fmt.Fprintf(p.out, "learns from %s besides the labels\n", c.Distill)
	}
	fmt.Fprintln(p.out)
	if stages, err := c.SizeStages(); err == nil && stages != nil {
		var parts []string
		for _, s := range stages {
			parts = append(parts, fmt.Sprintf("%d×%d (%d)", s.Size, s.Size, s.Epochs))
		}
		fmt.Fprintf(p.out, "sizes of training pictures, with their epochs: %s\n\n", strings.Join(parts, ", "))
	}
	if from != nil {
		phase, epoch, batch := from.Place()
		fmt.Fprintf(p.out, "resumed at phase %d, epoch %d, batch %d\n\n", phase, epoch, batch)
	}
}

// On prints at the ends of batches and epochs.
func (p *printer) On(e train.Event, l *train.Learner) error {
	switch e {
	case train.BeforeFit:
		p.header = false
		if !p.fitted && len(l.Stages) > 0 {
			p.note("a step at the largest size takes %d MB for activations and gradients", l.ArenaBytes()>>20)
		}
		if !p.fitted { // a resumed run: what it had done before
			if !p.json {
				for _, row := range l.Recorder.Rows {
					p.epoch(l, row)
				}
				p.header = p.header && l.Epoch > 0
			}
		}
		p.fitted = true
	case train.AfterBatch:
		stage := fmt.Sprintf("epoch %d/%d", l.Epoch+1, l.Epochs)
		if l.FrozenTo() > 0 {
			stage += " (frozen)"
		}
		p.progress(stage, l.Iter+1, l.Iters, "batches")
		p.teacher(l)
	case train.BeforeValidate:
		p.close()
	case train.AfterEpoch:
		p.close()
		row, _ := l.Recorder.Last()
		p.epoch(l, row)
		if v := row.ValidLoss; len(l.DLs.Valid.Items()) > 0 && (math.IsNaN(v) || math.IsInf(v, 0)) {
			p.note("warning: the validation loss is not finite after this epoch: the learning rate may be too high")
		}
	}
	return nil
}

// teacher tells after the first step what a teacher takes.
func (p *printer) teacher(l *train.Learner) {
	if l.Teacher == nil || p.taught {
		return
	}
	p.taught = true
	p.note("a step takes %d MB for activations and gradients, and the teacher %d MB for its weights", l.ArenaBytes()>>20, l.Teacher.Bytes()>>20)
}

// epoch prints a row of the history.
func (p *printer) epoch(l *train.Learner, row train.Row) {
	if p.json {
		m := map[string]any{"event": "epoch", "epoch": row.Epoch, "phase": row.Phase, "frozen": l.FrozenTo() > 0, "seconds": row.Time.Seconds()}
		put := func(k string, v float64) {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				m[k] = v
			}
		}
		put("train_loss", row.TrainLoss)
		put("valid_loss", row.ValidLoss)
		for i, v := range row.Metrics {
			put(l.Recorder.MetricNames[i], v)
		}
		fmt.Fprintln(p.out, mustJSON(m))
		return
	}
	if !p.header {
		p.header = true
		cols := append(append([]string{"epoch", "train_loss", "valid_loss"}, l.Recorder.MetricNames...), "time")
		p.widths = p.widths[:0]
		for i, c := range cols {
			cols[i] = fmt.Sprintf("%-*s", max(8, len(c)), c)
			p.widths = append(p.widths, max(8, len(c)))
		}
		fmt.Fprintln(p.out, strings.TrimRight(strings.Join(cols, "  "), " "))
	}
	cells := []string{fmt.Sprint(row.Epoch), fmt.Sprintf("%.6f", row.TrainLoss), fmt.Sprintf("%.6f", row.ValidLoss)}
	for _, v := range row.Metrics {
		cells = append(cells, fmt.Sprintf("%.6f", v))
	}
	cells = append(cells, train.Clock(row.Time))
	for i := range cells {
		cells[i] = fmt.Sprintf("%-*s", p.widths[i], cells[i])
	}
	fmt.Fprintln(p.out, strings.TrimRight(strings.Join(cells, "  "), " "))
}

func (p *printer) finish(c run.Config, out *run.Output) {
	p.close()
	if p.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "done", "out": out.Dir, "seconds": time.Since(p.began).Seconds()}))
		return
	}
	fmt.Fprintf(p.out, "\nmodel, history and settings are in %s (%s)\n", out.Dir, train.Clock(time.Since(p.began)))
	if c.Data == run.Drawn && !c.IsFold() {
		fmt.Fprint(p.out, "\nthe same on 37 breeds of real pets (downloads 0.8 GB and the weights once):\n\n    whippet train --data pets\n")
	}
}
