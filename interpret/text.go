package interpret

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// The text forms are stable: scripts and tests may compare them. Columns are
// aligned by the width of characters on a terminal, so that names in Chinese
// or with accents line up too.

// terminal measures text by rules that do not depend on the user's locale.
var terminal = &runewidth.Condition{}

// padLeft right-aligns s in w terminal columns.
func padLeft(s string, w int) string {
	return strings.Repeat(" ", max(0, w-terminal.StringWidth(s))) + s
}

// padRight left-aligns s in w terminal columns.
func padRight(s string, w int) string {
	return s + strings.Repeat(" ", max(0, w-terminal.StringWidth(s)))
}

func widest(names []string, least int) int {
	for _, s := range names {
		least = max(least, terminal.StringWidth(s))
	}
	return least
}

// String lays the report out as scikit-learn's classification_report does.
func (r Report) String() string {
	names := make([]string, len(r.Classes))
	for i, c := range r.Classes {
		names[i] = c.Name
	}
	w := widest(names, len("weighted avg"))
	var b strings.Builder
	row := func(name, p, rec, f1, sup string) {
		fmt.Fprintf(&b, "%s %9s %9s %9s %9s\n", padLeft(name, w), p, rec, f1, sup)
	}
	scores := func(s ClassScores) {
		f := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
		row(s.Name, f(s.Precision), f(s.Recall), f(s.F1), strconv.Itoa(s.Support))
	}
	row("", "precision", "recall", "f1-score", "support")
	b.WriteByte('\n')
	for _, c := range r.Classes {
		scores(c)
	}
	b.WriteByte('\n')
	row("accuracy", "", "", strconv.FormatFloat(r.Accuracy, 'f', 2, 64), strconv.Itoa(r.Support))
	scores(r.Macro)
	scores(r.Weighted)
	return b.String()
}

// gridClasses is the largest matrix written as a grid: 20 columns of four
// characters and a name fit a terminal.
const gridClasses = 20

// String writes the matrix as text: up to 20 classes as a grid whose columns
// are numbered as its rows, and beyond that one line per class with what it was
// taken for.
func (m *ConfusionMatrix) String() string {
	var b strings.Builder
	if len(m.Counts) <= gridClasses {
		m.grid(&b)
	} else {
		m.list(&b)
	}
	return b.String()
}

func (m *ConfusionMatrix) grid(w io.Writer) {
	cell := len(strconv.Itoa(len(m.Counts) - 1))
	for _, row := range m.Counts {
		for _, n := range row {
			cell = max(cell, len(strconv.Itoa(n)))
		}
	}
	nameW := widest(m.Vocab, 0)
	num := len(strconv.Itoa(len(m.Counts) - 1))
	fmt.Fprintf(w, "%s", padRight("actual \\ predicted", nameW+num+1))
	extra := max(0, len("actual \\ predicted")-nameW-num-1)
	for j := range m.Counts {
		fmt.Fprintf(w, " %*d", cell, j)
	}
	fmt.Fprintln(w)
	for i, row := range m.Counts {
		fmt.Fprintf(w, "%s%s %*d", strings.Repeat(" ", extra), padLeft(name(m.Vocab, i), nameW), num, i)
		for j, n := range row {
			if n == 0 && i != j {
				fmt.Fprintf(w, " %*s", cell, "·") // zeros would hide the mistakes
				continue
			}
			fmt.Fprintf(w, " %*d", cell, n)
		}
		fmt.Fprintln(w)
	}
}

// listed is how many confusions a line of the list form shows.
const listed = 4

func (m *ConfusionMatrix) list(w io.Writer) {
	nameW := widest(m.Vocab, len("actual"))
	fmt.Fprintf(w, "%s  %9s  mistaken for\n", padLeft("actual", nameW), "right")
	byActual := make(map[int][]Confused)
	for _, c := range m.MostConfused(1) {
		byActual[c.ActualIndex] = append(byActual[c.ActualIndex], c)
	}
	for i := range m.Counts {
		var parts []string
		for k, c := range byActual[i] {
			if k == listed {
				parts = append(parts, fmt.Sprintf("and %d more", len(byActual[i])-listed))
				break
			}
			parts = append(parts, fmt.Sprintf("%s %d", c.Predicted, c.Count))
		}
		line := fmt.Sprintf("%s  %9s  %s", padLeft(name(m.Vocab, i), nameW),
			fmt.Sprintf("%d/%d", m.Counts[i][i], m.Support(i)), strings.Join(parts, ", "))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// MostConfusedText lays pairs out as a table: actual, predicted, count.
func MostConfusedText(pairs []Confused) string {
	if len(pairs) == 0 {
		return "no two classes were confused\n"
	}
	a, p := len("actual"), len("predicted")
	for _, c := range pairs {
		a, p = max(a, terminal.StringWidth(c.Actual)), max(p, terminal.StringWidth(c.Predicted))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %5s\n", padRight("actual", a), padRight("predicted", p), "count")
	for _, c := range pairs {
		fmt.Fprintf(&b, "%s  %s  %5d\n", padRight(c.Actual, a), padRight(c.Predicted, p), c.Count)
	}
	return b.String()
}

// TopLossesText lays entries out as a table: predicted, actual, loss, the
// probabilities of both, path.
func (t *Table) TopLossesText(top []Loss) string {
	if len(top) > 0 && top[0].Actual == NoClass {
		return topLabels(top)
	}
	w := widest(t.Vocab, len("predicted"))
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %7s  %9s  %9s  %s\n", padRight("predicted", w), padRight("actual", w),
		"loss", "p(pred)", "p(actual)", "path")
	for _, r := range top {
		fmt.Fprintf(&b, "%s  %s  %7.4f  %9.4f  %9.4f  %s\n", padRight(t.Name(r.Predicted), w), padRight(t.Name(r.Actual), w),
			r.Loss, r.Prob(r.Predicted), r.Prob(r.Actual), r.Path)
	}
	return b.String()
}

// topLabels is TopLossesText for examples with any number of labels.
func topLabels(top []Loss) string {
	answers, labels := make([]string, len(top)), make([]string, len(top))
	for i, r := range top {
		answers[i], labels[i] = strings.Join(r.Answers, ", "), strings.Join(r.Labels, ", ")
	}
	a, l := widest(answers, len("answered")), widest(labels, len("actual"))
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %7s  %s\n", padRight("answered", a), padRight("actual", l), "loss", "path")
	for i, r := range top {
		fmt.Fprintf(&b, "%s  %s  %7.4f  %s\n", padRight(answers[i], a), padRight(labels[i], l), r.Loss, r.Path)
	}
	return b.String()
}

// Text draws the reliability curve as a table with bars: for each bin that has
// examples its range, count, confidence and accuracy, and the summary line.
func (c Calibration) Text() string {
	const bar = 40
	var b strings.Builder
	fmt.Fprintf(&b, "%-13s %6s %10s %9s\n", "probability", "count", "confidence", "accuracy")
	for _, x := range c.Bins {
		if x.Count == 0 {
			continue
		}
		fmt.Fprintf(&b, "%.3f - %.3f %6d %10.3f %9.3f  %s\n", x.Lo, x.Hi, x.Count, x.Confidence, x.Accuracy,
			strings.Repeat("█", int(float64(x.Accuracy*bar)+0.5)))
	}
	fmt.Fprintln(&b, c)
	return b.String()
}
