package train

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/whippet-ml/whippet/internal/files"
)

// WriteCSV writes the history, one row for each epoch of all fits: epoch (from
// 0, counted through), train_loss, valid_loss, the metrics, time (the columns of
// fastai's CSVLogger), and behind epoch the size of the pictures where it changed (Stages). Numbers have all their digits; a value that is not known
// is empty; time is minutes and seconds.
func (r *Recorder) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	sized := slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Size > 0 })
	head := []string{"epoch"}
	if sized {
		head = append(head, "size")
	}
	_ = out.Write(append(append(append(head, "train_loss", "valid_loss"), r.MetricNames...), "time"))
	for i, row := range r.Rows {
		rec := []string{strconv.Itoa(i)}
		if sized {
			rec = append(rec, strconv.Itoa(row.Size))
		}
		rec = append(rec, csvNumber(row.TrainLoss), csvNumber(row.ValidLoss))
		for k := range r.MetricNames {
			v := nan
			if k < len(row.Metrics) {
				v = row.Metrics[k]
			}
			rec = append(rec, csvNumber(v))
		}
		_ = out.Write(append(rec, Clock(row.Time)))
	}
	out.Flush()
	return out.Error() // of any of the writes
}

// SaveCSV writes the history to a file, whole or not at all.
func (r *Recorder) SaveCSV(path string) error {
	if err := files.WriteFile(path, r.WriteCSV); err != nil {
		return fmt.Errorf("train: history: %w", err)
	}
	return nil
}

// csvNumber writes a value, empty for NaN.
func csvNumber(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Clock writes a duration as fastai does: mm:ss, or h:mm:ss from an hour on.
func Clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// CSVLogger writes the history to a file after every epoch (fastai's
// CSVLogger). The file is written anew each time, from the recorder, so that it
// is whole at any moment and right after an interruption too.
type CSVLogger struct {
	Path string // its folder must exist
}

// On watches AfterEpoch.
func (c *CSVLogger) On(e Event, l *Learner) error {
	if e != AfterEpoch {
		return nil
	}
	return l.Recorder.SaveCSV(c.Path)
}
