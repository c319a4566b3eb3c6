package command

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/runs"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/nearest"
	"github.com/whippet-ml/whippet/train"
)

// runsFlags are which runs are listed, in which order, and how.
type runsFlags struct {
	sort      string
	reverse   bool
	where     []string
	top       int
	columns   string
	compare   bool
	json, csv bool
	out       string
}

func newRuns() *cobra.Command {
	f := &runsFlags{}
	cmd := &cobra.Command{
		Use:   "runs [FOLDER...]",
		Short: "List and compare training runs, in the terminal and on a page",
		Long: `List the runs in folders and the folders below them (by default runs), the newest
first: where each stands, what it came to, and in which epoch it was best. Runs that
are under way or were interrupted are there too.

The values are those of the epoch whose weights the run's model has: the last one, or
with --save-best the best. --compare shows in which settings the runs differ and draws
their learning curves; --out writes all of it as one HTML page that needs no network.

Sorted by a column of the histories, such as error_rate, the best run comes first. A
folder of another program counts as well when it has a history.csv with a column
train_loss or valid_loss, and its settings are shown if it has a config.json.`,
		Example: `  whippet runs
  whippet runs --sort error_rate --top 5
  whippet runs --where arch='resnet*' --columns lr,batch,error_rate
  whippet runs --compare runs/first runs/second
  whippet runs --sort valid_loss --out runs.html
  whippet runs --csv > runs.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.sort, "sort", "date", "date (newest first), name, time, epochs, a column of the histories such as valid_loss (best first), or a setting such as lr; --compare keeps the order of the names")
	fl.BoolVar(&f.reverse, "reverse", false, "the other way round")
	fl.StringArrayVar(&f.where, "where", nil, "only runs with this `SETTING=VALUE`, such as arch=resnet18; VALUE may have *, ? and [a-z]; may be given several times")
	fl.IntVar(&f.top, "top", 0, "only so many runs, the first ones; 0 for all")
	fl.StringVar(&f.columns, "columns", "", "columns of the histories and settings that are shown, separated by commas (default arch, data and all that was measured)")
	fl.BoolVar(&f.compare, "compare", false, "show in which settings the runs differ, and their learning curves")
	fl.StringVarP(&f.out, "out", "o", "", "write a page with table, settings and curves to this file, .html")
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line, for each run with its settings and its history; with --compare one for all")
	fl.BoolVar(&f.csv, "csv", false, "print CSV with a header: a line for each run, with all settings")
	return cmd
}

func (f *runsFlags) check() error {
	switch {
	case f.json && f.csv:
		return errors.New("choose one of --json and --csv")
	case f.csv && f.compare:
		return errors.New("--compare does not go with --csv, which has all settings as columns")
	case f.top < 0:
		return fmt.Errorf("--top %d: must not be negative", f.top)
	}
	return nil
}

func (f *runsFlags) run(cmd *cobra.Command, folders []string) error {
	if err := f.check(); err != nil {
		return err
	}
	list, err := f.find(cmd, folders)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch {
	case f.json:
		err = f.writeJSON(w, list)
	case f.csv:
		err = f.writeCSV(w, list)
	case f.compare:
		err = f.writeComparison(w, list)
	case f.out == "":
		err = f.writeText(w, list)
	}
	if err != nil || f.out == "" {
		return err
	}
	page := runs.Page{Runs: list, Measure: f.measure(list), Time: time.Now()}
	if err := files.WriteFile(f.out, page.Write); err != nil {
		return fmt.Errorf("--out %s: %w", f.out, err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s\n", f.out)
	return nil
}

// find returns the runs that are asked for, in their order.
func (f *runsFlags) find(cmd *cobra.Command, folders []string) ([]*runs.Run, error) {
	if len(folders) == 0 {
		folders = []string{"runs"}
	}
	list, skipped, err := runs.Find(cmd.Context(), folders)
	if err != nil {
		return nil, err
	}
	for _, s := range skipped {
		fmt.Fprintf(os.Stderr, "whippet: left out: %s\n", visible(s.Err.Error()))
	}
	if len(list) == 0 {
		return nil, errors.New("no run could be read")
	}
	all := list
	for _, condition := range f.where {
		if list, err = runs.Where(list, condition); err != nil {
			return nil, fmt.Errorf("--where %w", err)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("none of %d runs is as --where says", len(all))
	}
	if !f.compare || cmd.Flags().Changed("sort") { // a comparison keeps the order of the names
		if err := runs.Sort(list, f.sort, f.reverse); err != nil {
			return nil, fmt.Errorf("--sort %w", err)
		}
	}
	if f.top > 0 {
		list = list[:min(len(list), f.top)]
	}
	return list, nil
}

// measure is the column of the histories that runs are compared by: that of --sort, or
// the first metric.
func (f *runsFlags) measure(list []*runs.Run) string {
	columns := runs.Columns(list)
	if slices.Contains(columns, f.sort) {
		return f.sort
	}
	for _, c := range columns {
		if c != "train_loss" && c != "valid_loss" {
			return c
		}
	}
	if len(columns) > 0 {
		return columns[len(columns)-1]
	}
	return ""
}

// maxMeasures is how many columns of the histories a line of text has at most, unless
// --columns says which.
const maxMeasures = 5

// shown splits --columns into settings and columns of the histories.
func (f *runsFlags) shown(list []*runs.Run) (settings, measures []string, err error) {
	columns, names := runs.Columns(list), runs.SettingNames(list)
	if f.columns == "" {
		measures = columns[:min(len(columns), maxMeasures)]
		if slices.Contains(columns, f.sort) && !slices.Contains(measures, f.sort) {
			measures[len(measures)-1] = f.sort
		}
		return []string{"arch", "data"}, measures, nil
	}
	for _, c := range strings.Split(f.columns, ",") {
		c = strings.TrimSpace(c)
		switch {
		case slices.Contains(columns, c):
			measures = append(measures, c)
		case slices.Contains(names, strings.ReplaceAll(c, "_", "-")):
			settings = append(settings, strings.ReplaceAll(c, "_", "-"))
		default:
			return nil, nil, fmt.Errorf("--columns %s: neither measured nor a setting of these runs%s", c, nearest.Hint(c, slices.Concat(columns, names)))
		}
	}
	return settings, measures, nil
}

// best writes the best value of a column and its epoch, counted from 1.
func best(r *runs.Run, column string) string {
	at, v := r.Best(column)
	if at < 0 {
		return "-"
	}
	return fmt.Sprintf("%s (epoch %d)", runs.Number(v), at+1)
}

// textOf is a value of a table: - for one that is not there.
func textOf(s string) string {
	if s == "" || s == "–" {
		return "-"
	}
	return visible(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(s))
}

func (f *runsFlags) writeText(w io.Writer, list []*runs.Run) error {
	settings, measures, err := f.shown(list)
	if err != nil {
		return err
	}
	measure := f.measure(list)
	head := slices.Concat([]string{"run", "state", "began", "epochs", "time"}, settings, measures)
	if measure != "" {
		head = append(head, "best "+measure)
	}
	rows := [][]string{head}
	for _, r := range list {
		row := []string{textOf(r.Path), string(r.State), r.Began.Format("2006-01-02 15:04"), r.EpochsText(), train.Clock(r.History.Time)}
		for _, s := range settings {
			row = append(row, textOf(r.Settings[s]))
		}
		for _, m := range measures {
			row = append(row, textOf(runs.Number(r.Value(m))))
		}
		if measure != "" {
			row = append(row, best(r, measure))
		}
		rows = append(rows, row)
	}
	return writeAligned(w, rows)
}

// writeAligned writes a table whose columns are as wide as what they hold.
func writeAligned(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(c))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(c)
			if i+1 < len(row) {
				b.WriteString(strings.Repeat(" ", widths[i]-runewidth.StringWidth(c)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// letters name the runs of a comparison.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// curveWidth is how many columns a learning curve in text has at most.
const curveWidth = 60

// writeComparison writes in what runs differ: settings, values, and learning curves.
func (f *runsFlags) writeComparison(w io.Writer, list []*runs.Run) error {
	if len(list) > len(letters) {
		return fmt.Errorf("--compare takes %d runs at most, and these are %d: name some, or choose with --where and --top; --out writes a page of all", len(letters), len(list))
	}
	var rows [][]string
	head := []string{""}
	for i, r := range list {
		rows = append(rows, []string{letters[i : i+1], textOf(r.Path), string(r.State), r.Began.Format("2006-01-02 15:04")})
		head = append(head, letters[i:i+1])
	}
	if err := writeAligned(w, rows); err != nil {
		return err
	}
	differ, same := runs.Compare(list)
	fmt.Fprintf(w, "\nsettings that differ, of %d\n", len(differ)+len(same))
	rows = [][]string{head}
	for _, d := range differ {
		row := []string{d.Name}
		for _, v := range d.Values {
			row = append(row, textOf(v))
		}
		rows = append(rows, row)
	}
	if len(differ) == 0 {
		rows = [][]string{{"none"}}
	}
	if err := writeAligned(w, rows); err != nil {
		return err
	}
	_, measures, err := f.shown(list)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nvalues of the models; * is the best\n")
	if err := writeAligned(w, append([][]string{head}, values(list, measures)...)); err != nil {
		return err
	}
	for _, m := range measures {
		writeCurves(w, list, m)
	}
	return nil
}

// values has a row for each measure, with its values and their best marked.
func values(list []*runs.Run, measures []string) [][]string {
	var rows [][]string
	for _, m := range measures {
		row := []string{m}
		at, top := -1, math.NaN()
		for i, r := range list {
			v := r.Value(m)
			row = append(row, textOf(runs.Number(v)))
			if !math.IsNaN(v) && (at < 0 || runs.Better(m, v, top)) {
				at, top = i, v
			}
		}
		if at >= 0 && len(list) > 1 {
			row[at+1] += " *"
		}
		rows = append(rows, row)
	}
	epochs, clock := []string{"epochs"}, []string{"time"}
	for _, r := range list {
		epochs, clock = append(epochs, r.EpochsText()), append(clock, train.Clock(r.History.Time))
	}
	return append(rows, epochs, clock)
}

// writeCurves draws a measure of every run as a line of text, over common axes.
func writeCurves(w io.Writer, list []*runs.Run, measure string) {
	var curves [][]float64
	longest := 0
	for _, r := range list {
		c := r.Curve(measure)
		curves = append(curves, c)
		longest = max(longest, len(c))
	}
	if longest < 2 {
		return // a point is no curve
	}
	lines := runs.Sparks(curves, curveWidth)
	fmt.Fprintf(w, "\n%s, epochs 1 to %d\n", measure, longest)
	for i, c := range curves {
		if c == nil {
			fmt.Fprintf(w, "%c  -\n", letters[i])
			continue
		}
		fmt.Fprintf(w, "%c  %-*s  %s to %s, best %s\n", letters[i], min(longest, curveWidth), lines[i],
			textOf(runs.Number(c[0])), textOf(runs.Number(c[len(c)-1])), best(list[i], measure))
	}
}

// listedRun is a run in JSON. Values that are not finite are left out.
type listedRun struct {
	Run      string               `json:"run"`
	State    runs.State           `json:"state"`
	Began    time.Time            `json:"began"`
	Seconds  float64              `json:"seconds"` // of all epochs
	Epochs   int                  `json:"epochs"`
	Planned  int                  `json:"planned,omitempty"`
	Values   map[string]float64   `json:"values"` // of the epoch whose weights the model has
	Best     map[string]bestValue `json:"best"`
	Settings json.RawMessage      `json:"settings,omitempty"` // config.json
	History  []map[string]float64 `json:"history"`
}

// bestValue is the best value of a column and the epoch that has it, from 0.
type bestValue struct {
	Value float64 `json:"value"`
	Epoch int     `json:"epoch"`
}

func listed(r *runs.Run) listedRun {
	l := listedRun{Run: filepath.ToSlash(r.Path), State: r.State, Began: r.Began.UTC(), Seconds: r.History.Time.Seconds(), Epochs: len(r.History.Rows), Planned: r.Planned(),
		Values: map[string]float64{}, Best: map[string]bestValue{}, Settings: r.Raw, History: []map[string]float64{}}
	for range r.History.Rows {
		l.History = append(l.History, map[string]float64{})
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for c, name := range r.History.Columns {
		if v := r.Value(name); finite(v) {
			l.Values[name] = v
		}
		if at, v := r.Best(name); at >= 0 && finite(v) {
			l.Best[name] = bestValue{v, at}
		}
		for i, row := range r.History.Rows {
			if finite(row[c]) {
				l.History[i][name] = row[c]
			}
		}
	}
	return l
}

func (f *runsFlags) writeJSON(w io.Writer, list []*runs.Run) error {
	var all []listedRun
	for _, r := range list {
		l := listed(r)
		if all = append(all, l); f.compare {
			continue
		}
		if _, err := fmt.Fprintln(w, mustJSON(l)); err != nil {
			return err
		}
	}
	if !f.compare {
		return nil
	}
	differ, same := runs.Compare(list)
	common := map[string]string{}
	for _, s := range same {
		common[s.Name] = s.Values[0]
	}
	_, err := fmt.Fprintln(w, mustJSON(map[string]any{"runs": all, "differ": differ, "common": common}))
	return err
}

func (f *runsFlags) writeCSV(w io.Writer, list []*runs.Run) error {
	settings, measures := runs.SettingNames(list), runs.Columns(list)
	if f.columns != "" {
		var err error
		if settings, measures, err = f.shown(list); err != nil {
			return err
		}
	}
	c := csv.NewWriter(w)
	head := []string{"run", "state", "began", "seconds", "epochs", "planned"}
	for _, m := range measures {
		head = append(head, m, "best_"+m, "best_"+m+"_epoch")
	}
	for _, s := range settings {
		head = append(head, "settings."+s)
	}
	_ = c.Write(head) // an error comes out of Flush
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	for _, r := range list {
		row := []string{filepath.ToSlash(r.Path), string(r.State), r.Began.UTC().Format(time.RFC3339), number(r.History.Time.Seconds()), strconv.Itoa(len(r.History.Rows)), strconv.Itoa(r.Planned())}
		for _, m := range measures {
			at, v := r.Best(m)
			epoch := ""
			if at >= 0 {
				epoch = strconv.Itoa(at)
			}
			row = append(row, number(r.Value(m)), number(v), epoch)
		}
		for _, s := range settings {
			row = append(row, r.Settings[s])
		}
		_ = c.Write(row)
	}
	c.Flush()
	return c.Error()
}
