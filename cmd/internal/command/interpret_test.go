package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// TestInterpretCommand trains a little, and judges the run with nothing but its
// folder, then as a file on all pictures.
func TestInterpretCommand(t *testing.T) {
	dir, out := twoClasses(t, 12), filepath.Join(t.TempDir(), "run")
	t.Chdir(filepath.Dir(dir)) // the data is named relative to a folder that is left later
	if _, err := runCommand(t, nil, "train", "--data", filepath.Base(dir), "--arch", "squeezenet1_1", "--weights", "none", "--presize", "40", "--size", "32",
		"--batch", "4", "--epochs", "1", "--seed", "1", "--out", out); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	report, table, matrix := filepath.Join(t.TempDir(), "report.html"), filepath.Join(t.TempDir(), "p.csv"), filepath.Join(t.TempDir(), "m.svg")
	text, err := runCommand(t, nil, "interpret", out, "--out", report, "--table", table, "--matrix", matrix)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"judging 4 of 24 pictures: the validation set of the training, 0.2", "none of them was trained on", "4 pictures, ", "error rate 0.", "precision", "confusion matrix", "top losses", "ECE"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, dir) {
		t.Errorf("paths are not relative to the data's folder:\n%s", text)
	}
	for file, want := range map[string]string{report: "train_loss", table: "path,actual,predicted", matrix: "<svg"} {
		if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %q: %v", file, want, err)
		}
	}
	text, err = runCommand(t, nil, "interpret", filepath.Join(out, "model.safetensors"), "--data", dir, "--all", "--tta", "1", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Pictures int
		Judgment struct {
			TrainedOn int `json:"trained_on"`
		}
		Report struct{ Accuracy float64 }
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Pictures != 24 || got.Judgment.TrainedOn != 20 {
		t.Errorf("%d pictures of which %d were trained on, want 24 and 20, %v", got.Pictures, got.Judgment.TrainedOn, err)
	}

	// Other folders are judged whole, and pictures of the training are known by
	// their content, under whatever name.
	for name, tc := range map[string]struct {
		known int
		args  []string
		want  string
	}{
		"unseen":      {0, nil, "judging 8 of 8 pictures: they are not the data that the model was trained on (--valid takes a part); none of them was trained on"},
		"one of them": {1, []string{"--batch", "1"}, "1 of them was trained on (blue_99.jpg)"},
		"a split":     {0, []string{"--valid", "0.5"}, "judging 4 of 8 pictures: the validation set by --valid 0.5"},
	} {
		other := twoClassesOf(t, 4, 1000)
		if tc.known > 0 {
			copyFile(t, trainedPicture(t, out, dir, "blue"), filepath.Join(other, "blue_99.jpg"))
		}
		text, err := runCommand(t, nil, append([]string{"interpret", out, "--data", other}, tc.args...)...)
		if err != nil || !strings.Contains(text, tc.want) {
			t.Errorf("%s: it says\n%.300s\nwithout %q, %v", name, text, tc.want, err)
		}
	}
}

// trainedPicture is a picture of a class that a run trained on.
func trainedPicture(t *testing.T, out, dir, class string) string {
	t.Helper()
	all, err := run.ReadPictures(filepath.Join(out, run.PicturesFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Training && strings.HasPrefix(p.Path, class) {
			return filepath.Join(dir, filepath.FromSlash(p.Path))
		}
	}
	t.Fatalf("no picture of %s was trained on", class)
	return ""
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestInterpretMistakes(t *testing.T) {
	model := filepath.Join(smallModel(t), "model.safetensors")
	dir := twoClasses(t, 6)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no model":        {[]string{filepath.Join(dir, "missing.safetensors")}, "missing.safetensors"},
		"no data known":   {[]string{model}, "--data"},
		"foreign classes": {[]string{model, "--data", dir}, "blue"},
		"matrix name":     {[]string{model, "--data", dir, "--matrix", "m.gif"}, ".png or .svg"},
		"top":             {[]string{model, "--data", dir, "--top", "0"}, "--top 0"},
	} {
		if _, err := runCommand(t, nil, append([]string{"interpret"}, tc.args...)...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}
