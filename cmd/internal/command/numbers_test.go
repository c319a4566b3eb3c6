package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
)

// blobs is patches with a table of numbers: how many labels each picture has, and a share of them.
func blobs(t *testing.T, n int) string {
	t.Helper()
	dir := patches(t, n)
	table := "name,count,share\n"
	for i := range n {
		count := i&1 + i>>1&1 + i>>2&1
		table += fmt.Sprintf("p%03d.png,%d,%.4f\n", i, count, float64(count)/3)
	}
	if err := os.WriteFile(filepath.Join(dir, "numbers.csv"), []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestNumbers goes the way of a user who predicts numbers: train, folds, interpret, predict, export,
// and what is about classes is refused by name.
func TestNumbers(t *testing.T) {
	dir, out := blobs(t, 32), filepath.Join(t.TempDir(), "run")
	settings := []string{"--data", dir, "--label", "csv:numbers.csv:count,share", "--task", "regression", "--range=-0.2,3.2", "--arch", "resnet10_small",
		"--weights", "none", "--presize", "40", "--size", "32", "--batch", "16", "--epochs", "1", "--lr", "1e-2", "--seed", "3", "--augment=false"}
	said, err := runCommand(t, nil, append([]string{"train", "--metrics", "mae,r2_score", "--out", out}, settings...)...)
	if err != nil || !strings.Contains(said, "2 numbers a picture") || !strings.Contains(said, "r2_score") {
		t.Fatalf("train: %v\n%s", err, said)
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil || info.Task != "regression(-0.2,3.2)" || !slices.Equal(info.Vocab, []string{"count", "share"}) {
		t.Errorf("the model has task %q and outputs %q (%v)", info.Task, info.Vocab, err)
	}

	report, table := filepath.Join(t.TempDir(), "report.html"), filepath.Join(t.TempDir(), "t.csv")
	if said, err = runCommand(t, nil, "interpret", out, "--out", report, "--table", table); err != nil || !strings.Contains(said, "RMSE") {
		t.Errorf("interpret: %v\n%s", err, said)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "Errors by number") || !strings.Contains(string(page), "predicted against actual share") {
		t.Errorf("the report is not one of numbers: %v", err)
	}
	if b, err := os.ReadFile(table); err != nil || !strings.HasPrefix(string(b), "path,count,predicted_count,share,predicted_share,loss\n") {
		t.Errorf("the table is not one of numbers: %v\n%.200s", err, b)
	}

	picture := filepath.Join(dir, "p003.png")
	said, err = runCommand(t, nil, "predict", out, picture, "--json")
	var answer struct {
		Predictions []struct {
			Label  string
			Score  float64
			Number bool
		}
	}
	if err != nil || json.Unmarshal([]byte(said), &answer) != nil || len(answer.Predictions) != 2 || answer.Predictions[0].Label != "count" || !answer.Predictions[1].Number {
		t.Errorf("predict --json: %v: %s", err, said)
	}
	said, err = runCommand(t, nil, "predict", out, picture, "--csv")
	if rows, readErr := csv.NewReader(strings.NewReader(said)).ReadAll(); err != nil || readErr != nil || len(rows) != 2 || !slices.Equal(rows[0], []string{"file", "count", "share", "error"}) {
		t.Errorf("predict --csv: %v %v: %s", err, readErr, said)
	}
	if said, err = runCommand(t, nil, "export", out, "--out", filepath.Join(t.TempDir(), "m.onnx")); err != nil || !strings.Contains(said, "2 numbers") || strings.Contains(said, "classes") {
		t.Errorf("export: %v: %s", err, said)
	}

	folds := filepath.Join(t.TempDir(), "folds")
	if said, err = runCommand(t, nil, append([]string{"folds", "--folds", "2", "--out", folds}, settings...)...); err != nil || !strings.Contains(said, "rmse") || !strings.Contains(said, "mean") {
		t.Errorf("folds: %v\n%s", err, said)
	}
	if said, err = runCommand(t, nil, "predict", folds, picture, "--csv"); err != nil || !strings.HasPrefix(said, "file,count,share,error\n") {
		t.Errorf("predict with all folds: %v: %s", err, said)
	}

	for flags, want := range map[string]string{
		"--calibrate":                          "--calibrate",
		"--abstain precision:0.9":              "--abstain",
		"--strangeness 0.95":                   "--strangeness",
		"--conformal 0.9":                      "--conformal",
		"--stratify":                           "--stratify",
		"--balance":                            "--balance",
		"--class-weights auto":                 "--class-weights",
		"--label-smoothing 0.1":                "--label-smoothing",
		"--mixup 0.2 --loss bce":               "--loss",
		"--metrics error_rate":                 "--metrics error_rate",
		"--thresholds f1":                      "--thresholds",
		"--range 0,1":                          "--range",
		"--range 1,0":                          "--range",
		"--label csv:numbers.csv:count,weight": `"weight"`,
		"--label csv:numbers.csv:name":         "name",
	} {
		_, err := runCommand(t, nil, append(append([]string{"train", "--out", filepath.Join(t.TempDir(), "none")}, settings...), strings.Fields(flags)...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", flags, err, want)
		}
	}
	if _, err := runCommand(t, nil, "next", out, dir, "--out", filepath.Join(t.TempDir(), "n.csv")); err == nil || !strings.Contains(err.Error(), "numbers") {
		t.Errorf("next: %v", err)
	}
}
