package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// smallModel saves a model with random weights in a folder, as a run would.
func smallModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := models.NewClassifier(models.SqueezeNet1_1, 3, rng.New(5))
	info := models.Info{Vocab: []string{"cat, grey", "dog", "été"},
		Preprocess: preprocess.Config{Presize: 64, Method: preprocess.Crop, Size: 48, Stats: preprocess.ImageNetStats}}
	if err := models.Save(filepath.Join(dir, "model.safetensors"), c, info); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writePNG(t *testing.T, path string, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * w)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// runCommand runs whippet with arguments and returns its standard output.
func runCommand(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetIn(bytes.NewReader(stdin))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestPredictCommand(t *testing.T) {
	model := smallModel(t)
	dir := t.TempDir()
	at := func(n string) string { return filepath.Join(dir, n) }
	if err := os.Mkdir(at("sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	raw := writePNG(t, at("b.png"), 60, 50)
	writePNG(t, at("a.png"), 50, 60)
	writePNG(t, at("sub/c.png"), 70, 60)
	if err := os.WriteFile(at("sub/bad.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args  []string
		stdin []byte
		files []string // in the order expected
		bad   []string
		err   string
	}{
		"one file":            {args: []string{at("b.png")}, files: []string{at("b.png")}},
		"order of arguments":  {args: []string{at("b.png"), at("a.png")}, files: []string{at("b.png"), at("a.png")}},
		"folder":              {args: []string{dir}, files: []string{at("a.png"), at("b.png"), at("sub/bad.jpg"), at("sub/c.png")}, bad: []string{at("sub/bad.jpg")}, err: "exit code 1"},
		"glob":                {args: []string{at("*.png")}, files: []string{at("a.png"), at("b.png")}},
		"standard input":      {args: []string{"-"}, stdin: raw, files: []string{"-"}},
		"list":                {args: []string{"--files-from", "-"}, stdin: []byte(at("b.png") + "\r\n\n" + at("a.png")), files: []string{at("b.png"), at("a.png")}},
		"list with zeros":     {args: []string{"--files-from", "-", "-0"}, stdin: []byte(at("b.png") + "\x00\x00" + at("a.png")), files: []string{at("b.png"), at("a.png")}},
		"missing in between":  {args: []string{at("a.png"), at("no.png"), at("b.png")}, files: []string{at("a.png"), at("no.png"), at("b.png")}, bad: []string{at("no.png")}, err: "exit code 1"},
		"glob without match":  {args: []string{at("*.gif"), at("a.png")}, files: []string{at("a.png")}, err: "exit code 1"},
		"empty input":         {args: []string{"-"}, files: []string{"-"}, bad: []string{"-"}, err: "exit code 1"},
		"nothing named":       {err: "name the pictures"},
		"topk":                {args: []string{dir, "--topk", "0"}, err: "--topk"},
		"two forms of output": {args: []string{dir, "--csv", "--json"}, err: "one of --json and --csv"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := runCommand(t, c.stdin, append([]string{"predict", model, "--json"}, c.args...)...)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			var files, bad []string
			for line := range strings.Lines(out) {
				var r jsonResult
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				files = append(files, r.File)
				if r.Error != "" {
					bad = append(bad, r.File)
				} else if len(r.Predictions) != 1 {
					t.Errorf("%s has %d predictions, want 1", r.File, len(r.Predictions))
				}
			}
			if strings.Join(files, "|") != strings.Join(c.files, "|") || strings.Join(bad, "|") != strings.Join(c.bad, "|") {
				t.Errorf("answers for %v, unreadable %v; want %v and %v", files, bad, c.files, c.bad)
			}
		})
	}
}

// TestPredictFormats checks text and CSV against the JSON of the same picture.
func TestPredictFormats(t *testing.T) {
	model := smallModel(t)
	f := filepath.Join(t.TempDir(), "a,b.png")
	writePNG(t, f, 50, 60)
	js, err := runCommand(t, nil, "predict", model, f, "--json", "-k", "9")
	if err != nil {
		t.Fatal(err)
	}
	var want jsonResult
	if err := json.Unmarshal([]byte(js), &want); err != nil || len(want.Predictions) != 3 {
		t.Fatalf("%s: %v", js, err)
	}
	text, err := runCommand(t, nil, "predict", filepath.Join(model, "model.safetensors"), f, "-k", "2")
	p := want.Predictions
	if line := strings.Join([]string{f, p[0].Label, formatScore(p[0].Score), p[1].Label, formatScore(p[1].Score)}, "\t") + "\n"; err != nil || text != line {
		t.Errorf("text %q, %v; want %q", text, err, line)
	}
	table, err := runCommand(t, nil, "predict", model, f, f+".no", "--csv", "-k", "2")
	if err == nil {
		t.Error("a missing file and no error")
	}
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) != 3 || strings.Join(rows[0], "|") != "file|label|score|label_2|score_2|error" {
		t.Fatalf("table %q, %v", rows, err)
	}
	if rows[1][0] != f || rows[1][1] != p[0].Label || rows[1][4] != formatScore(p[1].Score) || rows[1][5] != "" || rows[2][5] == "" {
		t.Errorf("rows %q", rows[1:])
	}
}

// TestPlainName checks that names cannot break lines of text or reach the
// terminal.
func TestPlainName(t *testing.T) {
	for name, want := range map[string]string{
		"a b.jpg": "a b.jpg", "été 猫.jpg": "été 猫.jpg", `q"uote.jpg`: `q"uote.jpg`,
		"a\tb\n.jpg": `"a\tb\n.jpg"`, "\x1b[2Jc.jpg": `"\x1b[2Jc.jpg"`,
	} {
		if got := plainName(name); got != want {
			t.Errorf("plainName(%q) = %s, want %s", name, got, want)
		}
	}
}

// TestPredictOddNames classifies a file whose name has a line end and a tab, from
// a list and printed as text.
func TestPredictOddNames(t *testing.T) {
	model, dir := smallModel(t), t.TempDir()
	writePNG(t, filepath.Join(dir, "x.png"), 40, 40)
	odd := filepath.Join(dir, "a\n\tb.png")
	if err := os.Rename(filepath.Join(dir, "x.png"), odd); err != nil {
		t.Skip("this file system has no such names: ", err)
	}
	out, err := runCommand(t, []byte(odd+"\x00"), "predict", model, "--files-from", "-", "--null")
	if err != nil || !strings.HasPrefix(out, strconv.Quote(odd)+"\t") || strings.Count(out, "\n") != 1 {
		t.Errorf("%q, %v; want one line that begins with %q", out, err, odd)
	}
}
