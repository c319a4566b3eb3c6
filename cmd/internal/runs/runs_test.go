package runs_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/cmd/internal/runs"
)

// write makes files below a new folder, a minute older each.
func write(t *testing.T, content ...[2]string) string {
	t.Helper()
	root := t.TempDir()
	for i, c := range content {
		path := filepath.Join(root, c[0])
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c[1]), 0o666); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 2, 3, 59-i, 0, 0, time.UTC)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	historyA = "epoch,train_loss,valid_loss,error_rate,time\n0,1.5,1,0.5,00:10\n1,1,0.5,0.25,1:00:05\n2,0.5,0.75,0.25,00:10\n"
	historyB = "epoch,train_loss,valid_loss,accuracy,error_rate,time\n0,2,,0.75,0.25,00:01\n"
)

func folder(t *testing.T) string {
	return write(t,
		[2]string{"a/config.json", `{"arch":"resnet18","epochs":2,"freeze_epochs":1,"lr":"2e-3","save_best":true,"dir":"/home/a","lr_changes":[{"step":7,"lr":"1e-4"}],"stats":{"mean": [1, 2]}}`},
		[2]string{"a/history.csv", historyA},
		[2]string{"deep/er/b.partial/config.json", `{"arch":"resnet34","epochs":5,"freeze_epochs":0,"lr":"1e-3","save_best":false,"dir":"/home/b"}`},
		[2]string{"deep/er/b.partial/history.csv", historyB},
		[2]string{"c.partial/config.json", `{"arch":"resnet34","epochs":5,"lr":"1e-2"}`},
		[2]string{"other/history.csv", "epoch,train_loss\n0,3\n"},
		[2]string{"none/config.json", `{"name":"no run"}`},
		[2]string{".hidden/history.csv", historyA},
		[2]string{"bad/history.csv", "epoch,train_loss\n0,many\n"},
		[2]string{"bad2/history.csv", "a,b\n"},
	)
}

func find(t *testing.T, names ...string) ([]*runs.Run, []runs.Skipped) {
	t.Helper()
	list, skipped, err := runs.Find(context.Background(), names)
	if err != nil {
		t.Fatal(err)
	}
	return list, skipped
}

func bases(list []*runs.Run) string {
	var out []string
	for _, r := range list {
		out = append(out, filepath.Base(r.Path))
	}
	return strings.Join(out, " ")
}

func TestFind(t *testing.T) {
	root := folder(t)
	list, skipped := find(t, root)
	if got := bases(list); got != "a c b other" {
		t.Errorf("found %q", got)
	}
	var why []string
	for _, s := range skipped {
		why = append(why, strings.TrimPrefix(s.Err.Error(), root))
	}
	if want := []string{"/bad/history.csv: epoch 0, column train_loss: \"many\" is no number", "/bad2/history.csv: the table is no history of training: it has neither a column train_loss nor valid_loss"}; !slices.Equal(why, want) {
		t.Errorf("skipped %q", why)
	}
	a, c, b := list[0], list[1], list[2]
	if a.State != runs.Done || b.State != runs.Interrupted || c.State != runs.Interrupted {
		t.Errorf("states %s %s %s", a.State, b.State, c.State)
	}
	if a.Planned() != 3 || a.EpochsText() != "3/3" || b.EpochsText() != "1/5" || list[3].EpochsText() != "1" {
		t.Errorf("epochs %s %s %s", a.EpochsText(), b.EpochsText(), list[3].EpochsText())
	}
	if a.History.Time != time.Hour+25*time.Second {
		t.Errorf("time %v", a.History.Time)
	}
	if s := a.Settings; s["lr-changes"] != "1e-4 from step 7" || s["save-best"] != "true" || s["stats"] != `{"mean":[1,2]}` || s["dir"] != "" {
		t.Errorf("settings %q", s)
	}
	// The model of a has the weights of the second epoch, which --save-best kept.
	if a.Kept() != 1 || a.Value("train_loss") != 1 || b.Value("accuracy") != 0.75 || !math.IsNaN(b.Value("valid_loss")) || !math.IsNaN(c.Value("train_loss")) {
		t.Error("values are not those of the kept epoch")
	}
	if at, v := a.Best("error_rate"); at != 1 || v != 0.25 {
		t.Errorf("best error rate %g at %d, want 0.25 at 1, the first of equals", v, at)
	}
	a.Settings["monitor"] = "train_loss"
	if a.Kept() != 2 {
		t.Errorf("by train_loss, epoch %d is kept", a.Kept())
	}
	if b.Curve("valid_loss") != nil || a.Curve("accuracy") != nil || len(a.Curve("valid_loss")) != 3 {
		t.Error("a curve is of what was measured")
	}
}

// TestFindNamed: a run is named as --resume takes it, or by its folder; twice is once.
func TestFindNamed(t *testing.T) {
	root := folder(t)
	b := filepath.Join(root, "deep", "er", "b")
	list, _ := find(t, b, b+".partial", filepath.Join(root, "a"), filepath.Join(root, "deep"))
	if got := bases(list); got != "b a" {
		t.Errorf("found %q", got)
	}
	for name, want := range map[string]string{
		filepath.Join(root, "x"):                "there is no such folder",
		filepath.Join(root, "a", "history.csv"): "this is a file",
		filepath.Join(root, "none"):             "neither the folder nor one below it",
		filepath.Join(root, "bad"):              "is no number",
	} {
		if _, _, err := runs.Find(context.Background(), []string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestRunning: a run on which a process works is told from one that was interrupted, and
// looking does not keep the process from it.
func TestRunning(t *testing.T) {
	out := filepath.Join(t.TempDir(), "r")
	o, err := run.NewOutput(out, run.DefaultDrawn())
	if err != nil {
		t.Fatal(err)
	}
	list, _ := find(t, out)
	if list[0].State != runs.Running || list[0].Path != out {
		t.Errorf("%s is %s", list[0].Path, list[0].State)
	}
	o.Close()
	if list, _ = find(t, out); list[0].State != runs.Interrupted {
		t.Errorf("afterwards it is %s", list[0].State)
	}
	if o, _, err = run.OpenOutput(out); err != nil {
		t.Errorf("the run cannot go on: %v", err)
	} else {
		o.Close()
	}
}

func TestSort(t *testing.T) {
	for _, c := range []struct {
		key     string
		reverse bool
		want    string
	}{
		{"date", false, "a b c other"}, {"date", true, "other c b a"}, {"name", false, "a c b other"},
		{"time", false, "c other b a"}, {"epochs", false, "a b other c"},
		{"error_rate", false, "a b c other"}, {"accuracy", false, "b a c other"}, {"accuracy", true, "b a c other"},
		{"train_loss", false, "a b other c"}, {"train_loss", true, "other b a c"},
		{"lr", false, "b a c other"}, {"lr", true, "c a b other"}, {"arch", false, "a c b other"},
	} {
		list, _ := find(t, folder(t))
		if err := runs.Sort(list, c.key, c.reverse); err != nil {
			t.Errorf("%s: %v", c.key, err)
		} else if got := bases(list); got != c.want {
			t.Errorf("by %s, reversed %v: %s, want %s", c.key, c.reverse, got, c.want)
		}
	}
	list, _ := find(t, folder(t))
	if err := runs.Sort(list, "error-rat", false); err == nil || !strings.Contains(err.Error(), "error_rate") {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestWhere(t *testing.T) {
	list, _ := find(t, folder(t))
	for condition, want := range map[string]string{"arch=resnet18": "a", "arch=resnet3?": "c b", "save_best=": "c other", "arch=x": ""} {
		got, err := runs.Where(list, condition)
		if err != nil || bases(got) != want {
			t.Errorf("%s: %s, %v; want %s", condition, bases(got), err, want)
		}
	}
	for condition, want := range map[string]string{"arch": "SETTING=VALUE", "arhc=x": "arch", "arch=[": "needs its ]"} {
		if _, err := runs.Where(list, condition); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", condition, err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	list, _ := find(t, folder(t))
	differ, same := runs.Compare(list[1:3])
	var d, s []string
	for _, x := range differ {
		d = append(d, x.Name+" "+strings.Join(x.Values, "|"))
	}
	for _, x := range same {
		s = append(s, x.Name+" "+strings.Join(x.Values, "|"))
	}
	if !slices.Equal(d, []string{"freeze-epochs |0", "lr 1e-2|1e-3", "save-best |false"}) || !slices.Equal(s, []string{"arch resnet34", "epochs 5"}) {
		t.Errorf("differ %q, same %q", d, s)
	}
}

func TestHigherIsBetter(t *testing.T) {
	for name, want := range map[string]bool{"train_loss": false, "valid_loss": false, "error_rate": false, "accuracy": true, "top_5_accuracy": true, "brier_score": false,
		"f1_score": true, "average_precision_score": true, "their_error": false, "rmse": false, "their_score": true} {
		if runs.HigherIsBetter(name) != want {
			t.Errorf("%s: higher is better %v", name, !want)
		}
	}
}

func TestSparks(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		curves [][]float64
		width  int
		want   []string
	}{
		{"linear, over common axes", [][]float64{{0, 1, 2, 3}, {7, 8}}, 10, []string{"▁▂▃▄", "██"}},
		{"by logarithm", [][]float64{{1, 10, 100}}, 10, []string{"▁▅█"}},
		{"values that are missing", [][]float64{{1, nan, 2, math.Inf(1)}}, 10, []string{"▁ █ "}},
		{"more epochs than columns", [][]float64{{0, 0, 1, 1, 2, 2}, {2, 2}}, 3, []string{"▁▅█", "█"}},
		{"all alike", [][]float64{{1, 1}}, 10, []string{"▅▅"}},
		{"nothing", [][]float64{nil, {nan}}, 10, []string{"", " "}},
	} {
		if got := runs.Sparks(c.curves, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	root := folder(t)
	for i := range 9 {
		dir := filepath.Join(root, fmt.Sprintf("more%d", i))
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "history.csv"), []byte(historyA), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"arch":"</script><b>"}`), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list, _ := find(t, root)
	page := func(list []*runs.Run) string {
		var b bytes.Buffer
		if err := (runs.Page{Runs: list, Measure: "error_rate"}).Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	all := page(list)
	for _, want := range []string{"13 runs. The best error_rate is 0.25, of ", ">best error_rate</button>", "&lt;/script&gt;", "Of the first 7 runs", "whippet train --resume", "0.25 (epoch 2)", "default-src &#39;none&#39;"} {
		if !strings.Contains(all, want) && !strings.Contains(strings.ReplaceAll(all, "'", "&#39;"), want) {
			t.Errorf("the page of many has not %q", want)
		}
	}
	if n := strings.Count(all, `class="plot"`); n != 4 {
		t.Errorf("%d figures, want train_loss, valid_loss, error_rate and accuracy", n)
	}
	if strings.Contains(all, "</script><b>") {
		t.Error("a setting is not escaped")
	}
	one := page(list[:1])
	for _, want := range []string{"One run.", ">Settings</h2>", "1e-4 from step 7"} {
		if !strings.Contains(one, want) {
			t.Errorf("the page of one has not %q", want)
		}
	}
	empty := page(list[1:2]) // no epoch yet
	if !strings.Contains(empty, "No epoch has ended yet") || strings.Contains(empty, `class="plot"`) {
		t.Error("the page of a run without epochs")
	}
}
