package runs

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// History is the table of a run's epochs.
type History struct {
	Columns []string      // train_loss, valid_loss and the metrics
	Rows    [][]float64   // an epoch each; NaN where there is no value
	Time    time.Duration // of all epochs
}

// Bounds of a history: its bytes, its epochs and its columns.
const (
	maxHistory = 64 << 20
	maxEpochs  = 200_000
	maxColumns = 1000
)

// column returns the place of a column, -1 for one that is not there.
func (h History) column(name string) int { return slices.Index(h.Columns, name) }

// readHistory reads a table with a header, as train.Recorder.WriteCSV and fastai's
// CSVLogger write it. The columns epoch, size and time are not values.
func readHistory(b []byte) (History, error) {
	var h History
	r := csv.NewReader(bytes.NewReader(b))
	r.ReuseRecord = true
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	head = slices.Clone(head) // the next record takes its place
	if len(head) > maxColumns {
		return h, fmt.Errorf("the table has %d columns, more than %d", len(head), maxColumns)
	}
	if !slices.Contains(head, "train_loss") && !slices.Contains(head, "valid_loss") {
		return h, errors.New("the table is no history of training: it has neither a column train_loss nor valid_loss")
	}
	clock := -1
	place := make([]int, len(head)) // among the values, -1 for none
	for i, name := range head {
		place[i] = -1
		switch name {
		case "epoch", "size":
		case "time":
			clock = i
		default:
			place[i] = len(h.Columns)
			h.Columns = append(h.Columns, name)
		}
	}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		if len(h.Rows) == maxEpochs {
			return h, fmt.Errorf("the table has more than %d epochs", maxEpochs)
		}
		row := make([]float64, len(h.Columns))
		for i, p := range place {
			if p < 0 {
				continue
			}
			if row[p] = math.NaN(); rec[i] == "" {
				continue
			}
			if row[p], err = strconv.ParseFloat(rec[i], 64); err != nil {
				return h, fmt.Errorf("epoch %d, column %s: %q is no number", len(h.Rows), head[i], rec[i])
			}
		}
		h.Rows = append(h.Rows, row)
		if clock >= 0 {
			h.Time += readClock(rec[clock])
		}
	}
}

// readClock reads mm:ss or h:mm:ss, 0 for what is neither.
func readClock(s string) time.Duration {
	total := 0
	for _, part := range strings.Split(s, ":") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 1<<20 {
			return 0
		}
		total = total*60 + n
	}
	return time.Duration(total) * time.Second
}
