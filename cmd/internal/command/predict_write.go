package command

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
)

// predictWriter prints results as text, JSON lines or CSV.
type predictWriter struct {
	out          *bufio.Writer
	csv          *csv.Writer // nil unless CSV
	json         bool
	topk         int
	several      bool // labels do not exclude each other, and the answer is wanted: all that were chosen
	abstains     bool // the answer may be unknown, for reasons
	sets         bool // the answer has a set of classes
	numbers      bool // the answer is the vocabulary's numbers, in order
	done, failed int
}

func newPredictWriter(w io.Writer, p *predict.Predictor, topk int, asJSON, asCSV bool) *predictWriter {
	numbers := task.Continuous(p.Task())
	several := topk == 0 && !p.Task().Exclusive() && !numbers
	if numbers {
		topk = len(p.Info().Vocab)
	}
	pw := &predictWriter{several: several, numbers: numbers, abstains: p.Abstains(), sets: p.Sets(), out: bufio.NewWriter(w), json: asJSON, topk: min(max(topk, 1), len(p.Info().Vocab))}
	if asCSV {
		pw.csv = csv.NewWriter(pw.out)
		head := []string{"file", "label", "score"}
		if pw.several {
			head = []string{"file", "labels", "scores"}
		}
		if numbers {
			head = append([]string{"file"}, p.Info().Vocab...)
		}
		for k := 2; k <= pw.topk && !numbers; k++ {
			head = append(head, fmt.Sprintf("label_%d", k), fmt.Sprintf("score_%d", k))
		}
		if pw.sets {
			head = append(head, "set")
		}
		if pw.abstains {
			head = append(head, "reasons")
		}
		_ = pw.csv.Write(append(head, "error")) // an error comes out of flush
	}
	return pw
}

// classify writes the results of all inputs, which come from src.
func (w *predictWriter) classify(ctx context.Context, p *predict.Predictor, inputs iter.Seq[predict.Input], src *pictureArgs) error {
	err := p.Each(ctx, inputs, w.write)
	if ferr := w.flush(); err == nil {
		err = ferr
	}
	if err == nil {
		err = src.fatal
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped after %d pictures: %w", w.done+w.failed, err)
	}
	return err
}

// jsonResult is a line of --json: an error, or predictions, which are an empty list for
// a picture that has none of several labels.
type jsonResult struct {
	File        string          `json:"file"`
	Predictions []predict.Score `json:"predictions,omitzero"`
	Error       string          `json:"error,omitempty"`
}

func (w *predictWriter) write(r predict.Result) error {
	var top []predict.Score
	problem := ""
	if r.Err != nil {
		w.failed++
		problem = r.Err.Error()
		if r.Name == stdinName {
			problem = "standard input: " + problem
		}
	} else {
		w.done++
		top = append([]predict.Score{}, w.answer(r)...) // not nil
	}
	switch {
	case w.json:
		if _, err := fmt.Fprintln(w.out, mustJSON(jsonResult{r.Name, top, problem})); err != nil {
			return err
		}
	case w.csv != nil:
		row := []string{r.Name}
		if w.several {
			row = append(row, join(top, ";", func(s predict.Score) string { return s.Label }), join(top, ";", func(s predict.Score) string { return formatScore(s.Score) }))
		}
		for k := range w.topk {
			if w.several {
				break
			}
			switch {
			case w.numbers && k < len(top):
				row = append(row, w.score(top[k]))
			case w.numbers:
				row = append(row, "")
			case k < len(top):
				row = append(row, top[k].Label, formatScore(top[k].Score))
			default:
				row = append(row, "", "")
			}
		}
		if w.sets && len(top) > 0 {
			row = append(row, strings.Join(top[0].Set, ";"))
		} else if w.sets {
			row = append(row, "")
		}
		if w.abstains {
			row = append(row, reasons(top))
		}
		if err := w.csv.Write(append(row, problem)); err != nil {
			return err
		}
	case r.Err != nil:
		fmt.Fprintln(os.Stderr, "whippet:", plainName(inFlags("predict", problem)))
	default:
		fmt.Fprint(w.out, plainName(r.Name))
		for _, s := range top {
			fmt.Fprintf(w.out, "\t%s\t%s", plainName(s.Label), w.score(s))
		}
		if w.sets {
			fmt.Fprintf(w.out, "\t{%s}", plainName(strings.Join(top[0].Set, ", ")))
		}
		if why := reasons(top); why != "" {
			fmt.Fprintf(w.out, "\t%s", plainName(why))
		}
		if _, err := fmt.Fprintln(w.out); err != nil {
			return err
		}
	}
	return w.flush() // so that readers of a pipe see each answer at once
}

// answer returns what is shown of r: the most probable classes or, of several labels, those
// that were chosen.
func (w *predictWriter) answer(r predict.Result) []predict.Score {
	if !w.several {
		return r.Answers(w.topk)
	}
	return slices.DeleteFunc(r.Top(0), func(s predict.Score) bool { return !s.Chosen })
}

// reasons says why the first of the scores is unknown; "" where it is not.
func reasons(top []predict.Score) string {
	if len(top) == 0 {
		return ""
	}
	all := make([]string, len(top[0].Reasons))
	for i, r := range top[0].Reasons {
		all[i] = r.Text
	}
	return strings.Join(all, "; ")
}

func join(scores []predict.Score, by string, text func(predict.Score) string) string {
	all := make([]string, len(scores))
	for i, s := range scores {
		all[i] = text(s)
	}
	return strings.Join(all, by)
}

func (w *predictWriter) flush() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.out.Flush()
}

// plainName is s for a line of text: in quotes, with escapes, if it has a control
// character, which would break the line or reach the terminal.
func plainName(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return strconv.Quote(s)
	}
	return s
}

// score writes a probability, or a number with as many digits as it has.
func (w *predictWriter) score(s predict.Score) string {
	if w.numbers {
		return strconv.FormatFloat(float64(s.Score), 'g', -1, 32)
	}
	return formatScore(s.Score)
}

// formatScore writes a probability with six digits after the point.
func formatScore(v float32) string { return strconv.FormatFloat(float64(v), 'f', 6, 32) }
