package run

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/schedule"
)

// TestDefaultsAreTheLibrary wants the command to begin with the library's numbers
// where it has to write them as text.
func TestDefaultsAreTheLibrary(t *testing.T) {
	if lr, ok := Default().baseLR(); !ok || lr != schedule.DefaultBaseLR {
		t.Errorf("the learning rate is %s, the library's %v", Default().LR, schedule.DefaultBaseLR)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config)
		want   string // in the error; "" for none
	}{
		{"the defaults", func(c *Config) {}, ""},
		{"the drawn set", func(c *Config) { *c = DefaultDrawn() }, ""},
		{"rates of groups", func(c *Config) { c.Schedule, c.LR = "one-cycle", "slice(1e-6,1e-4)" }, ""},
		{"infinite weight decay", func(c *Config) { c.WeightDecay = 1 / zero }, "--weight-decay"},
		{"layer decay", func(c *Config) { c.LayerDecay = 0.75 }, ""},
		{"layer decay above 1", func(c *Config) { c.LayerDecay = 75 }, "--layer-decay 75: must be above 0, and 1 at most"},
		{"NaN of layer decay", func(c *Config) { c.LayerDecay = zero / zero }, "--layer-decay"},
		{"layer decay and rates of groups", func(c *Config) { c.Schedule, c.LR, c.LayerDecay = "one-cycle", "slice(1e-6,1e-4)", 0.75 }, "or leave --layer-decay out"},
		{"NaN of mixup", func(c *Config) { c.MixUp = zero / zero }, "--mixup"},
		{"NaN of min-scale", func(c *Config) { c.MinScale = zero / zero }, "--min-scale"},
		{"rate 0", func(c *Config) { c.LR = "0" }, "--lr 0: fine-tuning needs a rate above 0"},
		{"rate 0 of one phase", func(c *Config) { c.Schedule, c.LR = "constant", "0" }, ""},
		{"a rate for each group", func(c *Config) { c.Schedule, c.LR = "one-cycle", "[1e-5,1e-4,1e-3]" }, ""},
		{"too few rates", func(c *Config) { c.Schedule, c.LR = "one-cycle", "[1e-4,1e-3]" }, "3 layer groups"},
		{"negative rate", func(c *Config) { c.LR = "-1e-3" }, "--lr"},
		{"rate with a tail", func(c *Config) { c.LR = "2e-3x" }, "--lr"},
		{"no rate", func(c *Config) { c.LR = "" }, "--lr"},
		{"no weights", func(c *Config) { c.Weights = "" }, "--weights"},
		{"label csv without file", func(c *Config) { c.Label = "csv:" }, "name the file"},
		{"valid column without name", func(c *Config) { c.Valid = "column:" }, "name the column"},
		{"negative valid", func(c *Config) { c.Valid = "-0.1" }, "--valid"},
		{"balanced twice", func(c *Config) { c.Balance, c.ClassWeights = true, "auto" }, "would count twice"},
		{"fold of one", func(c *Config) { c.Valid = "fold:1/1" }, "--valid fold:1/1"},
		{"fold without number", func(c *Config) { c.Valid = "fold:/5" }, "--valid fold:/5"},
		{"a fold", func(c *Config) { c.Valid = "fold:5/5" }, ""},
		{"group by nothing", func(c *Config) { c.Group = "column:" }, "--group column:"},
		{"NaN of valid", func(c *Config) { c.Valid = "NaN" }, "--valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Default()
			cfg.Data = "x"
			c.change(&cfg)
			err := cfg.Check()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

var zero float64

func FuzzCheck(f *testing.F) {
	f.Add("2e-3", "regex:(.+)_\\d+", "0.2", "fine-tune", "error_rate")
	f.Add("slice(1,2)", "csv:a:b", "folder:a,b", "one-cycle", ",")
	f.Fuzz(func(t *testing.T, lr, label, valid, schedule, metrics string) {
		c := Default()
		c.LR, c.Label, c.Valid, c.Schedule, c.Metrics = lr, label, valid, schedule, metrics
		if c.Check() != nil {
			return
		}
		if n, ok := c.baseLR(); c.Schedule == "fine-tune" && (!ok || !(n > 0)) {
			t.Errorf("--lr %q passes for fine-tuning, as %v", lr, n)
		}
		if _, err := c.Block("root"); err != nil && !strings.HasPrefix(c.Label, "csv:") {
			t.Errorf("%+v passes Check, but: %v", c, err)
		}
	})
}

// layout makes empty files below a new folder.
func layout(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, n := range names {
		content := ""
		if strings.HasSuffix(n, ".csv") {
			content = "name,breed,is_valid\na.jpg,x,0\n"
		}
		p := filepath.Join(root, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestGuesses checks what "auto" becomes for the usual layouts of folders.
func TestGuesses(t *testing.T) {
	for _, c := range []struct {
		name         string
		files        []string
		label, valid string // given
		wantLabel    string
		wantValid    string
		err          string
	}{
		{"pets", []string{"images/Abyssinian_1.jpg", "images/pug_12.jpg"}, "auto", "auto", "regex:" + petsPattern, "0.2", ""},
		{"pets of several kinds", []string{"images/Abyssinian_1.png", "images/pug_12.jpg"}, "auto", "auto", "regex:" + anyPattern, "0.2", ""},
		{"a folder for each class", []string{"cat/1.jpg", "dog/2.jpg"}, "auto", "auto", "folder", "0.2", ""},
		{"train and valid", []string{"train/cat/1.jpg", "train/dog/2.jpg", "valid/cat/3.jpg"}, "auto", "auto", "folder", "folder:train,valid", ""},
		{"train and val", []string{"train/cat/1.jpg", "train/dog/2.jpg", "val/cat/3.jpg", "test/cat/4.jpg"}, "auto", "auto", "folder", "folder:train,val", ""},
		{"train and test", []string{"train/cat/1.jpg", "train/dog/2.jpg", "test/cat/3.jpg"}, "auto", "0.1", "folder", "0.1", ""},
		{"train and validation in capitals", []string{"Train/cat/1.jpg", "Train/dog/2.jpg", "Validation/cat/3.jpg"}, "auto", "auto", "folder", "folder:Train,Validation", ""},
		{"a test folder without classes", []string{"train/cat/1.jpg", "train/dog/2.jpg", "test/3.jpg"}, "auto", "auto", "", "", "no folders of classes"},
		{"a test folder without classes beside validation", []string{"train/cat/1.jpg", "train/dog/2.jpg", "val/cat/4.jpg", "test/3.jpg"}, "auto", "auto", "folder", "folder:train,val", ""},
		{"a column without a table", []string{"cat/1.jpg", "dog/2.jpg"}, "auto", "column:is_valid", "", "", "--valid column:is_valid: columns are those of a table"},
		{"a table", []string{"labels.csv", "a.jpg"}, "csv:labels.csv", "auto", "csv:labels.csv:breed", "column:is_valid", ""},
		{"a table's column by its number", []string{"labels.csv", "a.jpg"}, "csv:labels.csv:0", "auto", "", "", "names the pictures"},
		{"a table's split by its number", []string{"labels.csv", "a.jpg"}, "csv:labels.csv:1", "column:2", "csv:labels.csv:breed", "column:is_valid", ""},
		{"a table that is not there", []string{"a.jpg"}, "csv:labels.csv", "auto", "", "", "no table labels.csv"},
		{"a table nobody mentioned", []string{"labels.csv", "a.jpg", "b.jpg"}, "auto", "auto", "", "", "perhaps --label csv:labels.csv"},
		{"names without numbers", []string{"a.jpg", "b_2.jpg"}, "auto", "auto", "", "", "1 of 2 are not named CLASS_NUMBER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Default()
			cfg.Data, cfg.Label, cfg.Valid = layout(t, c.files...), c.label, c.valid
			_, err := cfg.Prepare(context.Background())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Label != c.wantLabel || cfg.Valid != c.wantValid {
				t.Errorf("labels by %q, validation by %q; want %q, %q", cfg.Label, cfg.Valid, c.wantLabel, c.wantValid)
			}
		})
	}
}

// TestLocal checks that a run resumed in another folder finds its data.
func TestLocal(t *testing.T) {
	first, second := layout(t, "photos/a.jpg", "pets/b.jpg"), layout(t)
	t.Chdir(second)
	c := Config{Dir: first}
	for name, want := range map[string]string{
		"photos":        filepath.Join(first, "photos"),
		"pets":          "pets", // a known set comes first, as in datasets.Untar
		"none":          "none",
		"https://x/y.z": "https://x/y.z",
		first:           first,
	} {
		if got := c.local(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	t.Chdir(first)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got := (Config{Dir: here}).local("photos"); got != "photos" {
		t.Errorf("in the same folder: %s", got)
	}
}

func TestOutput(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "a")
	c := Default()
	c.Data = Drawn
	o, err := NewOutput(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewOutput(dir, c); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second run in the same folder: %v", err)
	}
	if _, _, err := OpenOutput(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("resumed while it runs: %v", err)
	}
	o.Close()
	if _, err := NewOutput(dir, c); err == nil || !strings.Contains(err.Error(), "interrupted run") {
		t.Errorf("a new run over an interrupted one: %v", err)
	}
	for _, name := range []string{dir, dir + "/", dir + ".partial"} {
		o, got, err := OpenOutput(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, c) || o.Dir != dir {
			t.Errorf("%s: folder %s, settings %+v", name, o.Dir, got)
		}
		o.Close()
	}
	o, _, err = OpenOutput(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Discard()
	if _, err := os.Stat(dir + ".partial"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("discarded, but: %v", err)
	}
	// What holds checkpoints is not thrown away.
	if o, err = NewOutput(dir, c); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(o.Checkpoints(), "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	o.Discard()
	if _, err := os.Stat(filepath.Join(dir+".partial", ConfigFile)); err != nil {
		t.Errorf("thrown away: %v", err)
	}
	o.Close()
}

// TestDrawnRun checks that the demonstration's data are what they say.
func TestDrawnRun(t *testing.T) {
	c := DefaultDrawn()
	root, err := c.Prepare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Block(root)
	if err != nil {
		t.Fatal(err)
	}
	items, err := b.Items.List(context.Background(), root)
	if err != nil || len(items) != len(drawn.Breeds.Classes())*DrawnSource().PerClass {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if labels, err := b.Label.Labels(root, items[0]); err != nil || !slices.Equal(labels, drawn.Breeds.Classes()[:1]) {
		t.Errorf("the labels of the first are %q, %v", labels, err)
	}
}

func TestChangeLR(t *testing.T) {
	c := Default()
	for _, lr := range []string{"", "x", "-1", "slice(1e-6,1e-4)"} { // the last: not when fine-tuning
		if err := c.ChangeLR(3, lr); err == nil {
			t.Errorf("--lr %q was taken", lr)
		}
	}
	if c.Rate() != "2e-3" || c.SmallerLR() != "0.0002" {
		t.Errorf("rate %s, a tenth of it %s", c.Rate(), c.SmallerLR())
	}
	for i, lr := range []string{"1e-3", "4e-5"} {
		if err := c.ChangeLR(i, lr); err != nil {
			t.Fatal(err)
		}
	}
	if v, _ := c.baseLR(); c.Rate() != "4e-5" || v != 4e-5 || c.LR != "2e-3" {
		t.Errorf("rate %s (%v), first %s", c.Rate(), v, c.LR)
	}
	c.LRChanges = append(c.LRChanges, LRChange{9, "nothing"})
	if err := c.Check(); err == nil {
		t.Error("a change to what is no learning rate passed")
	}
	for in, want := range map[string]string{"slice(1e-6,1e-4)": "slice(1e-07,1e-05)", "[0.01, 3e-3]": "[0.001, 0.0003]", "slice(.5)": "slice(0.05)"} {
		if got := (Config{LR: in}).SmallerLR(); got != want {
			t.Errorf("a tenth of %s is %s, want %s", in, got, want)
		}
	}
}

// The digest of a model to go on from is that of its weights, wherever it lies
// and whatever its description says.
func TestDigestFromIsOfTheWeights(t *testing.T) {
	write := func(name, header, weights string) string {
		path := filepath.Join(t.TempDir(), name)
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		if err := os.WriteFile(path, append(append(file, header...), weights...), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	digest := func(path string) uint32 {
		c := Config{From: path}
		if err := c.digestFrom(); err != nil {
			t.Fatal(err)
		}
		return c.FromDigest
	}
	one := digest(write("a", `{"weights":"here.pth"}`, "0123"))
	if other := digest(write("b", `{"weights":"/there/it.pth"}`, "0123")); other != one {
		t.Errorf("digests %08x and %08x of the same weights under two descriptions", one, other)
	}
	if other := digest(write("a", `{"weights":"here.pth"}`, "0124")); other == one {
		t.Errorf("digest %08x of two different weights", one)
	}
	c := Config{From: filepath.Join(t.TempDir(), "short")}
	if err := os.WriteFile(c.From, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := c.digestFrom(); err == nil || !strings.Contains(err.Error(), c.From) {
		t.Errorf("a file of three bytes: %v", err)
	}
}
