package command

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/weights"
)

// TestEmbed writes the features of labeled pictures in every form, one of them
// unreadable, and refuses what cannot be.
func TestEmbed(t *testing.T) {
	model, dir := smallModel(t), t.TempDir()
	for _, name := range []string{"cats/a.png", "cats/b.png", "dogs/c.png"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		writePNG(t, filepath.Join(dir, name), 60, 50+len(name)+int(name[5]))
	}
	out := func(form string) string { return filepath.Join(dir, "features."+form) }
	for _, form := range []string{"csv", "npy", "safetensors"} {
		said, err := runCommand(t, nil, "embed", model, dir, "--label", "folder", "--out", out(form))
		if err != nil || !strings.Contains(said, "3 pictures, 512 features each") {
			t.Fatalf("%s: %q, %v", form, said, err)
		}
	}
	text, err := os.ReadFile(out("csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) != 4 || len(rows[0]) != 514 {
		t.Fatalf("%d rows of %d columns, %v", len(rows), len(rows[0]), err)
	}
	for i, want := range []string{"label", "cats", "cats", "dogs"} {
		if rows[i][1] != want {
			t.Errorf("row %d has the label %q, want %q", i, rows[i][1], want)
		}
	}
	f, err := weights.Load(out("safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if x := f.Get("features"); x == nil || x.Len() != 3*512 || x.F32[0] == 0 && x.F32[1] == 0 && x.F32[2] == 0 {
		t.Errorf("features: %v", x)
	}
	if st, err := os.Stat(out("npy")); err != nil || st.Size() != 128+3*512*4 {
		t.Errorf("the NPY file: %v, %v", st, err)
	}
	if b, err := os.ReadFile(out("npy") + ".files.csv"); err != nil || !strings.HasPrefix(string(b), "file,label\n"+filepath.Join(dir, "cats", "a.png")+",cats\n") {
		t.Errorf("beside the NPY file: %q, %v", b, err)
	}

	broken := filepath.Join(dir, "dogs", "broken.png")
	if err := os.WriteFile(broken, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := runCommand(t, nil, "embed", model, dir, "--out", out("csv")); err != exitCode(1) || !strings.Contains(said, "3 pictures") {
		t.Errorf("with a broken picture: %q, %v", said, err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{dir}, "--out"},
		{[]string{dir, "--out", out("txt")}, "must end in"},
		{[]string{"--out", out("csv")}, "name the pictures"},
		{[]string{dir, "--out", out("csv"), "--label", "csv:x.csv"}, "folder or regex:PATTERN"},
		{[]string{dir, "--out", out("csv"), "--label", "columns:x.csv"}, "folder or regex:PATTERN"},
		{[]string{dir, "--out", out("csv"), "--label", "folders"}, "folder or regex:PATTERN"},
		{[]string{dir, "--out", out("csv"), "--label", "regex:("}, "--label"},
	} {
		if _, err := runCommand(t, nil, append([]string{"embed", model}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v; want an error with %q", c.args, err, c.says)
		}
	}
}
