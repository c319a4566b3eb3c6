package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoClasses writes n small pictures of each of two colors, CLASS_NUMBER.jpg.
func twoClasses(t *testing.T, n int) string { return twoClassesOf(t, n, 0) }

// twoClassesOf is twoClasses with other pictures for every first.
func twoClassesOf(t *testing.T, n, first int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		for k, name := range []string{"blue", "red"} {
			writeColor(t, filepath.Join(dir, fmt.Sprintf("%s_%02d.jpg", name, i)), k, first+i)
		}
	}
	return dir
}

func TestLRFindCommand(t *testing.T) {
	dir, out := twoClasses(t, 12), t.TempDir()
	png, table := filepath.Join(out, "lr.png"), filepath.Join(out, "lr.csv")
	args := []string{"lr-find", "--data", dir, "--arch", "squeezenet1_1", "--weights", "none", "--presize", "40", "--size", "32",
		"--batch", "4", "--seed", "3", "--steps", "40", "--plot", png, "--table", table}
	text, err := runCommand(t, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"all layers train", "min ", "steep ", "valley ", "slide ", "Start with valley"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	if b, err := os.ReadFile(png); err != nil || !strings.HasPrefix(string(b), "\x89PNG") {
		t.Errorf("no plot: %v", err)
	}
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 10 || strings.Join(rows[0], " ") != "step lr smooth_loss loss" {
		t.Errorf("the curve's table has %d rows, %v", len(rows), err)
	}
	text, err = runCommand(t, nil, append(args[:len(args)-4], "--frozen", "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil || got["frozen"] != true || got["event"] != "suggestions" {
		t.Errorf("%v in %s", err, text)
	}
}

func TestLRFindMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"both":      {[]string{"--frozen", "--unfrozen"}, "cannot be combined"},
		"plot name": {[]string{"--plot", "lr.jpg"}, ".png or .svg"},
		"rates":     {[]string{"--start", "1", "--end", "0.1"}, "end above the start"},
		"model":     {[]string{"--from", "missing.safetensors"}, "missing.safetensors"},
	} {
		if _, err := runCommand(t, nil, append([]string{"lr-find"}, tc.args...)...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}
