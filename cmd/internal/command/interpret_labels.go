package command

import (
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/interpret"
)

// printLabels is print for pictures with any number of labels.
func (f *interpretFlags) printLabels(w io.Writer, t *interpret.Table, g judgment) error {
	report, err := t.LabelsReport()
	if err != nil {
		return err
	}
	pairs := t.MostConfusedLabels(1)
	pairs = pairs[:min(len(pairs), f.top)]
	if f.json {
		all := map[string]any{"judgment": g, "pictures": t.Len(), "loss": t.MeanLoss(), "labels": report,
			"most_confused": pairs, "top_losses": t.TopLosses(f.top), "calibration": t.Honesty()}
		if u := t.Unscaled(); u != nil {
			all["temperature"], all["calibration_unscaled"] = f.info.Temperature, u.Honesty()
		}
		_, err := fmt.Fprintln(w, mustJSON(all))
		return err
	}
	fmt.Fprintf(w, "%d pictures, %d labels: accuracy_multi %.4f, all labels of a picture right %.4f, mAP %.4f, loss %.4f\n\n",
		t.Len(), len(t.Vocab), report.Accuracy, report.Exact, report.MAP, t.MeanLoss())
	fmt.Fprintln(w, report)
	if len(pairs) > 0 {
		fmt.Fprintln(w, "answered in place of another label")
		for _, p := range pairs {
			fmt.Fprintf(w, "%s in place of %s: %d\n", p.Label, p.With, p.Count)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "top losses\n%s\n", t.TopLossesText(f.topLosses(t)))
	_, err = fmt.Fprintf(w, "calibration, mean over labels: %s\n", t.Honesty())
	if u := t.Unscaled(); u != nil {
		_, err = fmt.Fprintf(w, "without the temperature, which is %.3f: %s\n", f.info.Temperature, u.Honesty())
	}
	return err
}
