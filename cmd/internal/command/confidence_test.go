package command

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
)

// colored writes n gray pictures with a patch of one of three colors, and labels.csv
// with the colors' names, of which every seventh is wrong, so that no model can be right about all.
func colored(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	names := []string{"blue", "green", "red"}
	var table strings.Builder
	table.WriteString("name,color\n")
	for i := range n {
		k := i % 3
		img := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for p := range 32 * 32 {
			v := uint8(90 + (p*7919+i*104729)%41)
			c := color.RGBA{v, v, v, 255}
			if x, y := p%32-(i*5)%20, p/32-(i*3)%20; x >= 0 && x < 12 && y >= 0 && y < 12 {
				*[]*uint8{&c.B, &c.G, &c.R}[k] = 255
			}
			img.SetRGBA(p%32, p/32, c)
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("c%03d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
		label := names[k]
		if i%7 == 6 {
			label = names[(k+1)%3]
		}
		fmt.Fprintf(&table, "c%03d.png,%s\n", i, label)
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// trainColored are the arguments that train a small network on pictures of colored.
func trainColored(dir, out string, more ...string) []string {
	return append([]string{"train", "--data", dir, "--label", "csv:labels.csv:color", "--arch", "resnet10_small", "--weights", "none",
		"--presize", "0", "--size", "32", "--batch", "16", "--epochs", "4", "--lr", "1e-2", "--seed", "3", "--augment=false", "--out", out}, more...)
}

// TestCalibrate: a temperature is fitted when training has ended, saved, and used.
func TestCalibrate(t *testing.T) {
	dir, tmp := colored(t, 126), t.TempDir()
	out := filepath.Join(tmp, "run")
	said, err := runCommand(t, nil, trainColored(dir, out, "--calibrate")...)
	if err != nil || !strings.Contains(said, "fitted on 25 validation pictures\nbefore: ECE") {
		t.Errorf("train: %v\n%s", err, said)
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil || info.Temperature == 0 || info.Format != 4 {
		t.Errorf("the model's temperature is %v, its format %d (%v)", info.Temperature, info.Format, err)
	}
	report := filepath.Join(tmp, "report.html")
	said, err = runCommand(t, nil, "interpret", out, "--out", report)
	if err != nil || !strings.Contains(said, fmt.Sprintf("without the temperature, which is %.3f: ECE", info.Temperature)) {
		t.Errorf("interpret: %v\n%s", err, said)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "Without the temperature that was fitted after training it would be off by") {
		t.Errorf("the report does not say what the temperature does: %v", err)
	}
	if said, err = runCommand(t, nil, "interpret", out, "--json"); err != nil || !strings.Contains(said, `"calibration_unscaled":{`) {
		t.Errorf("interpret --json: %v\n%s", err, said)
	}
	// A temperature is of one network's scores.
	next := filepath.Join(tmp, "next")
	args := []string{"train", "--data", dir, "--label", "csv:labels.csv:color", "--from", out, "--schedule", "constant", "--batch", "16", "--epochs", "1", "--out", next}
	if _, err := runCommand(t, nil, args...); err != nil {
		t.Fatal(err)
	}
	if _, info, err = models.Load(filepath.Join(next, "model.safetensors")); err != nil || info.Temperature != 0 {
		t.Errorf("the temperature of a model that was trained on is %v (%v)", info.Temperature, err)
	}
	none := filepath.Join(tmp, "none")
	if _, err := runCommand(t, nil, trainColored(dir, none, "--calibrate", "--valid", "0")...); err == nil || !strings.Contains(err.Error(), "--calibrate fits a temperature on validation pictures, of which --valid 0 leaves none") {
		t.Errorf("without validation pictures: %v", err)
	}
}

// TestCalibrateLabels: pictures with several labels have one temperature for all.
func TestCalibrateLabels(t *testing.T) {
	dir, out := patches(t, 64), filepath.Join(t.TempDir(), "run")
	file := filepath.Join(dir, "labels.csv")
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	for i := 5; i < len(lines); i += 5 { // wrong labels, so that no model can be right about all
		name, _, _ := strings.Cut(lines[i], ",")
		lines[i] = name + ",red;blue"
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, nil, "train", "--data", dir, "--label", "csv:labels.csv:tags", "--label-delim", ";", "--arch", "resnet10_small", "--weights", "none",
		"--presize", "0", "--size", "32", "--batch", "16", "--epochs", "4", "--lr", "1e-2", "--seed", "3", "--augment=false", "--calibrate", "--out", out); err != nil {
		t.Fatal(err)
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil || info.Temperature == 0 || len(info.Thresholds) != 3 {
		t.Errorf("the model has temperature %v and thresholds %v (%v)", info.Temperature, info.Thresholds, err)
	}
	if said, err := runCommand(t, nil, "interpret", out); err != nil || !strings.Contains(said, "without the temperature") {
		t.Errorf("interpret: %v\n%s", err, said)
	}
	// Afterwards: thresholds by another rule, at the same temperature; and without one.
	high := filepath.Join(filepath.Dir(out), "high.safetensors")
	if said, err := runCommand(t, nil, "confidence", out, "--thresholds", "0.75", "--out", high); err != nil {
		t.Fatalf("confidence: %v\n%s", err, said)
	}
	if _, i, err := models.Load(high); err != nil || i.Temperature != info.Temperature || i.Thresholds[1] != 0.75 {
		t.Errorf("confidence --thresholds gives temperature %v and thresholds %v (%v)", i.Temperature, i.Thresholds, err)
	}
	none := filepath.Join(filepath.Dir(out), "none.safetensors")
	if said, err := runCommand(t, nil, "confidence", out, "--calibrate=false", "--out", none); err != nil || !strings.Contains(said, "thresholds, chosen on the validation pictures") {
		t.Fatalf("confidence: %v\n%s", err, said)
	}
	if _, i, err := models.Load(none); err != nil || i.Temperature != 0 || len(i.Thresholds) != 3 {
		t.Errorf("confidence --calibrate=false leaves temperature %v and thresholds %v (%v)", i.Temperature, i.Thresholds, err)
	}
	if _, err := runCommand(t, nil, "confidence", out, "--conformal", "0.5", "--out", filepath.Join(filepath.Dir(out), "no.safetensors")); err == nil || !strings.Contains(err.Error(), "--conformal 0.5: sets of classes are for pictures with one class each") {
		t.Errorf("sets of several labels: %v", err)
	}
}

// TestAbstain: the score to abstain below is chosen when training has ended, saved,
// and used by predict and interpret; what cannot be is refused before training.
func TestAbstain(t *testing.T) {
	dir, tmp := colored(t, 126), t.TempDir()
	out := filepath.Join(tmp, "run")
	said, err := runCommand(t, nil, trainColored(dir, out, "--abstain", "coverage:0.5")...)
	if err != nil || !strings.Contains(said, "(coverage:0.5): of 25 validation pictures 52.0 % are answered") {
		t.Errorf("train: %v\n%s", err, said)
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil || info.Abstention == nil || info.Abstention.Pictures != 25 {
		t.Fatalf("the model's abstention is %+v (%v)", info.Abstention, err)
	}
	said, err = runCommand(t, nil, "predict", out, dir, "--json")
	unknown := strings.Count(said, `"predictions":[{"label":"unknown","score":`)
	if err != nil || unknown < 10 || unknown > 95 || strings.Count(said, `"reasons":[{"why":"score",`) != unknown {
		t.Errorf("predict --json: %v, %d of 126 pictures are unknown\n%s", err, unknown, said)
	}
	text, err := runCommand(t, nil, "predict", out, dir)
	if err != nil || strings.Count(text, "\tunknown\t0.") != unknown || strings.Count(text, ", is below 0.") != unknown {
		t.Errorf("predict: %v\n%s", err, text)
	}
	table, err := runCommand(t, nil, "predict", out, dir, "--csv")
	if err != nil || !strings.HasPrefix(table, "file,label,score,reasons,error\n") || strings.Count(table, ",unknown,0.") != unknown {
		t.Errorf("predict --csv: %v\n%s", err, table)
	}
	report := filepath.Join(tmp, "report.html")
	said, err = runCommand(t, nil, "interpret", out, "--out", report)
	if err != nil || !strings.Contains(said, "13 of 25 pictures are answered (52.0 %)") || !strings.Contains(said, "risk and coverage: AURC 0.") {
		t.Errorf("interpret: %v\n%s", err, said)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "(coverage:0.5): of these pictures it answers 52.0 %") {
		t.Errorf("the report does not say what abstaining gives: %v", err)
	}
	if said, err = runCommand(t, nil, "interpret", out, "--json"); err != nil || !strings.Contains(said, `"risk_coverage":{"points":[{"score":`) || !strings.Contains(said, `"abstention":{"below":0.`) {
		t.Errorf("interpret --json: %v\n%s", err, said)
	}
}

func TestAbstainRefuses(t *testing.T) {
	dir := colored(t, 30)
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"no rule":                {[]string{"--abstain", "often"}, `--abstain "often": must be precision:SHARE`},
		"another rule":           {[]string{"--abstain", "recall:0.9"}, `--abstain "recall:0.9"`},
		"a share above 1":        {[]string{"--abstain", "precision:95"}, `--abstain "precision:95"`},
		"no validation pictures": {[]string{"--abstain", "precision:0.9", "--valid", "0"}, "of which --valid 0 leaves none: give the score itself"},
		"several labels":         {[]string{"--abstain", "0.9", "--label-delim", ";"}, "--abstain 0.9: it is for pictures with one class each"},
	} {
		_, err := runCommand(t, nil, trainColored(dir, filepath.Join(t.TempDir(), "run"), c.more...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
	file := filepath.Join(dir, "labels.csv")
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(table), ",red", ",unknown")), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, nil, trainColored(dir, filepath.Join(t.TempDir(), "run"), "--abstain", "0.9")...); err == nil || !strings.Contains(err.Error(), `a class is called "unknown"`) {
		t.Errorf("a class called unknown: %v", err)
	}
}
