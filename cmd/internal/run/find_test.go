package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindModel names models as people do. Where there is none, the error says
// what is there, and what to do.
func TestFindModel(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, f := range []string{"runs/good/model.safetensors", "runs/half.partial/config.json", "runs/m.safetensors", "runs/pictures/a.jpg", "none/.x"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte("{}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("empty", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, says string }{
		{"runs/good", "runs/good/model.safetensors", ""},
		{"runs/m.safetensors", "runs/m.safetensors", ""},
		{"runs/nosuch", "", "in runs there is good, half.partial (not finished), m.safetensors"},
		{"runs", "", "the folder has no model.safetensors: in it there is good, half.partial (not finished), m.safetensors"},
		{"runs/half", "", "not finished: whippet train --resume runs/half goes on"},
		{"runs/half.partial", "", "not finished: whippet train --resume runs/half goes on"},
		{"runs/m", "", "there is runs/m.safetensors"},
		{"runs/pictures", "", "it holds a.jpg and no model"},
		{"empty", "", "it is empty; give a .safetensors file"},
		{"none/nosuch", "", "in none there is no model"},
		{"nowhere/nosuch", "", "nor is there a folder nowhere"},
		{"resnet34", "", "the name of an architecture: whippet train --arch resnet34"},
		{"", "", "the name of the model is empty"},
	} {
		path, err := FindModel(c.name)
		if filepath.ToSlash(path) != c.path || (err == nil) != (c.says == "") || err != nil && !strings.Contains(filepath.ToSlash(err.Error()), c.says) {
			t.Errorf("%q: %q, %v; want %q and an error with %q", c.name, path, err, c.path, c.says)
		}
	}
	for dir, says := range map[string]string{
		"runs/good": "this run is complete", "runs/nosuch": "in runs there is runs/half", "runs/m.safetensors": "it is a file", "nowhere/nosuch": "nor a folder nowhere",
		"empty": "no folder empty.partial", "runs/pictures": "no folder runs/pictures.partial; nor is there another in runs/pictures",
	} {
		if _, _, err := OpenOutput(dir); err == nil || !strings.Contains(filepath.ToSlash(err.Error()), says) {
			t.Errorf("--resume %s: %v; want an error with %q", dir, err, says)
		}
	}
}
