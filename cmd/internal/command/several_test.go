package command

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
)

// TestSourcesOfLabels trains on the same pictures with their labels in columns, in folders with
// links, and in one column, and compares the models: all three say the same.
func TestSourcesOfLabels(t *testing.T) {
	dir := patches(t, 64)
	f, err := os.Open(filepath.Join(dir, "labels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	columns := "name,blue,green,red,is_valid\n"
	for i, row := range rows[1:] {
		picture, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		tags := strings.FieldsFunc(row[1], func(r rune) bool { return r == ';' })
		valid, part := "0", "train"
		if i%4 == 0 || i%8 == 3 {
			valid, part = "1", "valid"
		}
		line := row[0]
		for _, tag := range []string{"blue", "green", "red"} {
			line += "," + map[bool]string{true: "1", false: "0"}[slices.Contains(tags, tag)]
		}
		columns += line + "," + valid + "\n"
		put := func(folder string) string {
			name := filepath.Join(tree, part, folder, row[0])
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			return name
		}
		switch {
		case len(tags) == 0:
			err = os.WriteFile(put(""), picture, 0o600)
		case len(tags) == 2: // a tree
			err = os.WriteFile(put(filepath.Join(tags...)), picture, 0o600)
		default: // links
			first := put(tags[0])
			err = os.WriteFile(first, picture, 0o600)
			for _, tag := range tags[1:] {
				if err == nil {
					err = os.Symlink(first, put(tag))
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "columns.csv"), []byte(columns), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"--arch", "resnet10_small", "--weights", "none", "--presize", "0", "--size", "32", "--batch", "16", "--epochs", "1", "--lr", "1e-2", "--seed", "3"}
	infos := map[string]models.Info{}
	for name, where := range map[string]string{
		"columns": "--data " + dir + " --label columns:columns.csv",
		"chosen":  "--data " + dir + " --label columns:columns.csv:blue,2,red",
		"folders": "--data " + tree + " --label folders",
	} {
		out := filepath.Join(t.TempDir(), "run")
		said, err := runCommand(t, nil, append(append([]string{"train", "--out", out}, base...), strings.Fields(where)...)...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		if !strings.Contains(said, "f1_score") {
			t.Errorf("%s: the metrics are not those of several labels:\n%s", name, said)
		}
		_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		infos[name] = info
		table := filepath.Join(t.TempDir(), "t.csv")
		if said, err := runCommand(t, nil, "interpret", out, "--all", "--table", table); err != nil || !strings.Contains(said, "judging 64 pictures") && !strings.Contains(said, "64 of 64") {
			t.Errorf("%s: interpret: %v\n%s", name, err, said)
		}
	}
	for name, info := range infos {
		if info.Task != "multi_label" || !slices.Equal(info.Vocab, []string{"blue", "green", "red"}) || len(info.Thresholds) != 3 {
			t.Errorf("%s: task %q, labels %q, thresholds %v", name, info.Task, info.Vocab, info.Thresholds)
		}
	}
	for flags, want := range map[string]string{
		"--label columns:":                            "name the file",
		"--label columns:none.csv":                    "there is no table none.csv",
		"--label columns:labels.csv":                  "no column of 0 and 1 alone",
		"--label columns:columns.csv:blue,blue":       "is there twice",
		"--label columns:columns.csv:blue,pink":       `no column "pink"`,
		"--label columns:columns.csv:blue,name":       "names the pictures",
		"--label columns:labels.csv:tags":             "cannot be labeled",
		"--label columns:columns.csv --label-delim ,": "each label has a column",
		"--label folders --label-delim ,":             "--label is folders",
		"--label folders --loss focal":                "--loss focal",
		"--label folders --task regression":           "numbers are in columns",
	} {
		_, err := runCommand(t, nil, append(append([]string{"train", "--data", dir, "--out", filepath.Join(t.TempDir(), "none")}, base...), strings.Fields(flags)...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", flags, err, want)
		}
	}
}
