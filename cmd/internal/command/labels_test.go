package command

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
)

// patches writes n pictures of gray with a patch of color for each of their labels,
// and labels.csv with the labels separated by semicolons.
func patches(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString("name,tags\n")
	for i := range n {
		img := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for p := range 32 * 32 {
			v := uint8(90 + (p*7919+i*104729)%41)
			img.Set(p%32, p/32, color.RGBA{v, v, v, 255})
		}
		var tags []string
		for k, tag := range []string{"red", "green", "blue"} {
			if i>>k&1 == 0 {
				continue
			}
			tags = append(tags, tag)
			x0, y0 := (i*5+k*11)%20, (i*3+k*7)%20
			for p := range 12 * 12 {
				c := img.RGBAAt(x0+p%12, y0+p/12)
				*[]*uint8{&c.R, &c.G, &c.B}[k] = 255
				img.SetRGBA(x0+p%12, y0+p/12, c)
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("p%03d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
		fmt.Fprintf(&table, "p%03d.png,%s\n", i, strings.Join(tags, ";"))
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSeveralLabels goes the way of a user whose pictures have several labels:
// train, interpret, predict, and what is refused.
func TestSeveralLabels(t *testing.T) {
	dir, out := patches(t, 128), filepath.Join(t.TempDir(), "run")
	base := []string{"train", "--data", dir, "--label", "csv:labels.csv:tags", "--label-delim", ";", "--arch", "resnet10_small", "--weights", "none",
		"--presize", "0", "--size", "32", "--batch", "16", "--epochs", "6", "--lr", "1e-2", "--seed", "3", "--augment=false"}
	if _, err := runCommand(t, nil, append(base, "--class-weights", "auto", "--thresholds", "f2", "--out", out)...); err != nil {
		t.Fatal(err)
	}
	history, err := os.ReadFile(filepath.Join(out, "history.csv"))
	if err != nil || !strings.Contains(string(history), "accuracy_multi,f1_score") {
		t.Errorf("history.csv has not the metrics of several labels (%v):\n%s", err, history)
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Task != "multi_label" || len(info.Thresholds) != 3 || !slices.Equal(info.Vocab, []string{"blue", "green", "red"}) {
		t.Errorf("the model has task %q, thresholds %v, labels %q", info.Task, info.Thresholds, info.Vocab)
	}
	said, err := runCommand(t, nil, "interpret", out)
	if err != nil || !strings.Contains(said, "mAP") || !strings.Contains(said, "micro avg") {
		t.Errorf("interpret: %v\n%s", err, said)
	}
	report := filepath.Join(t.TempDir(), "report.html")
	if _, err := runCommand(t, nil, "interpret", out, "--json", "--out", report); err != nil {
		t.Error(err)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "Mistakes by label") || !strings.Contains(string(page), "Reliability diagram of green") {
		t.Errorf("the report is not one of labels: %v", err)
	}
	if _, err := runCommand(t, nil, "interpret", out, "--matrix", filepath.Join(t.TempDir(), "m.png")); err == nil || !strings.Contains(err.Error(), "--matrix") {
		t.Errorf("a confusion matrix of pictures with several labels: %v", err)
	}
	// Every picture has a list of predictions, also those with no label.
	said, err = runCommand(t, nil, "predict", out, dir, "--json")
	if lists, none := strings.Count(said, `"predictions":[`), strings.Count(said, `"predictions":[]`); err != nil || lists != 128 || none == 0 {
		t.Errorf("predict --json has %d lists of predictions for 128 pictures, %d empty: %v", lists, none, err)
	}
	said, err = runCommand(t, nil, "predict", out, dir, "--csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(said)).ReadAll()
	if err != nil || len(rows) != 129 || !slices.Equal(rows[0], []string{"file", "labels", "scores", "error"}) {
		t.Fatalf("predict --csv: %v, %d rows, the first %q", err, len(rows), rows[0])
	}
	right, several := 0, 0
	for i, row := range rows[1:] {
		got := strings.FieldsFunc(row[1], func(r rune) bool { return r == ';' })
		slices.Sort(got)
		var want []string
		for k, tag := range []string{"red", "green", "blue"} {
			if i>>k&1 == 1 {
				want = append(want, tag)
			}
		}
		slices.Sort(want)
		if slices.Equal(got, want) {
			right++
		}
		if len(got) > 1 {
			several++
		}
	}
	if right < 90 || several < 30 { // by chance 16
		t.Errorf("%d of 128 pictures have all labels right, %d have several", right, several)
	}

	for flags, want := range map[string]string{
		"--label-delim ; --label folder":                      "--label-delim",
		"--thresholds often":                                  "--thresholds \"often\"",
		"--loss focal":                                        "--loss focal",
		"--metrics error_rate":                                "--metrics error_rate",
		"--valid 0 --thresholds f1":                           "--thresholds f1",
		"--class-weights nosuch.csv":                          "--class-weights nosuch.csv",
		"--loss asymmetric --label-smoothing 1.5":             "--label-smoothing 1.5",
		"--label-delim= --thresholds 0.3":                     "give --label-delim",
		"--label-delim= --loss asymmetric":                    "--loss asymmetric",
		"--label auto --label-delim ,":                        "say which table",
		"--class-weights " + filepath.Join(dir, "labels.csv"): "is not a number",
	} {
		_, err := runCommand(t, nil, append(base, append(strings.Fields(flags), "--out", filepath.Join(t.TempDir(), "none"))...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", flags, err, want)
		}
	}
	if math.IsNaN(float64(info.Thresholds[0])) {
		t.Error("a threshold is no number")
	}
}
