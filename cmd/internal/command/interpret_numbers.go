package command

import (
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/task"
)

// numbers reports whether the model predicts numbers.
func (f *interpretFlags) numbers() (bool, error) {
	t, err := task.ByName(f.info.Task)
	return err == nil && task.Continuous(t), err
}

// printNumbers is print for pictures with numbers.
func (f *interpretFlags) printNumbers(w io.Writer, t *interpret.Table, g judgment) error {
	report, err := t.NumbersReport()
	if err != nil {
		return err
	}
	if f.json {
		_, err := fmt.Fprintln(w, mustJSON(map[string]any{"judgment": g, "pictures": t.Len(), "loss": t.MeanLoss(), "numbers": report, "top_losses": t.TopLosses(f.top)}))
		return err
	}
	fmt.Fprintf(w, "%d pictures, loss %.4g\n\n%s\n", t.Len(), t.MeanLoss(), report)
	_, err = fmt.Fprintf(w, "worst mistakes\n%s", t.TopLossesText(f.topLosses(t)))
	return err
}
