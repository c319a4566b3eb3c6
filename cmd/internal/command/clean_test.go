package command

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// drawnModel draws photos into dir/photos and saves a model of their classes,
// with random weights, as dir/model.safetensors.
func drawnModel(t *testing.T, dir string) {
	t.Helper()
	if _, err := drawn.Write(context.Background(), filepath.Join(dir, "photos"), drawn.Options{PerClass: 4, Size: 40}); err != nil {
		t.Fatal(err)
	}
	vocab := drawn.Breeds.Classes()
	info := models.Info{Vocab: vocab, Preprocess: preprocess.Config{Presize: 36, Method: preprocess.Crop, Size: 32, Stats: preprocess.ImageNetStats}}
	c := models.NewClassifier(models.SqueezeNet1_1, len(vocab), rng.New(5))
	if err := models.Save(filepath.Join(dir, "model.safetensors"), c, info); err != nil {
		t.Fatal(err)
	}
}

var pageAddress = regexp.MustCompile(`"url":"([^"]+)"`)

// A real process: two decisions over HTTP, the end, and training on the table.
func TestCleanThenTrain(t *testing.T) {
	dir := t.TempDir()
	drawnModel(t, dir)
	p := start(t, dir, "clean", "model.safetensors", "--data", "photos", "--out", "cleaned.csv", "--top", "5", "--batch", "8", "--json")
	var address string
	p.until("the page's address", func() bool {
		if m := pageAddress.FindStringSubmatch(p.out.String()); m != nil {
			address = m[1]
		}
		return address != ""
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	key := u.Query().Get("key")
	u.RawQuery = ""
	call := func(method, path, body string, v any) {
		t.Helper()
		req, err := http.NewRequest(method, u.String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Whippet-Key", key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %s", path, resp.Status)
		}
		if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
			t.Fatal(err)
		}
	}
	var review struct {
		Entries  []struct{ Pictures []int }
		Pictures map[string]struct{ Name string }
	}
	call("GET", "api/review", "", &review)
	if len(review.Entries) < 5 {
		t.Fatalf("%d entries", len(review.Entries))
	}
	var counts map[string]int
	call("POST", "api/decide", `{"decisions":[{"picture":0,"action":"drop"},{"picture":1,"action":"relabel","label":"Isle_Fold"}]}`, &counts)
	call("POST", "api/finish", "{}", &counts)
	if code := p.wait(); code != 0 || counts["dropped"] != 1 || counts["rows"] != 39 {
		t.Errorf("exit code %d, %v\n%s", code, counts, &p.out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cleaned.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n != 40 {
		t.Errorf("the table has %d lines", n)
	}
	// is_valid is found by itself.
	whippet(t, dir, 0, "train", "--data", "photos", "--label", "csv:"+filepath.Join(dir, "cleaned.csv"), "--arch", "squeezenet1_1", "--weights", "none",
		"--size", "32", "--presize", "36", "--batch", "4", "--epochs", "1", "--out", "run")
	config, err := os.ReadFile(filepath.Join(dir, "run", "config.json"))
	if err != nil || !strings.Contains(string(config), "column:is_valid") {
		t.Errorf("%v in %s", err, config)
	}
}

func TestCleanMistakes(t *testing.T) {
	dir := t.TempDir()
	drawnModel(t, dir)
	model, photos := filepath.Join(dir, "model.safetensors"), filepath.Join(dir, "photos")
	mine := filepath.Join(dir, "mine.csv")
	if err := os.WriteFile(mine, []byte("path,label\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"name":    {[]string{model, "--out", "x.txt"}, "end in .csv"},
		"bits":    {[]string{model, "--duplicate-bits", "40"}, "0 to 32"},
		"top":     {[]string{model, "--top", "-1"}, "must not be negative"},
		"no data": {[]string{model}, "--data"},
		"drawn":   {[]string{model, "--data", "drawn", "--out", filepath.Join(dir, "a.csv")}, "not files"},
		"foreign": {[]string{model, "--data", photos, "--out", mine}, "not of an earlier review"},
		"itself":  {[]string{model, "--data", photos, "--label", "csv:" + mine + ":label", "--out", mine}, "read from this file"},
		"address": {[]string{model, "--data", photos, "--top", "0", "--pairs", "0", "--out", filepath.Join(dir, "b.csv"), "--address", "7"}, "host:port"},
		"missing": {[]string{filepath.Join(dir, "none"), "--data", photos}, "none"},
	} {
		if _, err := runCommand(t, nil, append([]string{"clean"}, tc.args...)...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}

// The live page is there while a real run trains, and the run ends as without.
func TestTrainWatch(t *testing.T) {
	dir := t.TempDir()
	photos(t, dir)
	p := start(t, dir, trainArgs("run", "--watch=127.0.0.1:0", "--json")...)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	p.until("the page's address", func() bool { return address.MatchString(p.out.String()) })
	if !strings.Contains(p.out.String(), "--watch --address") { // the address was given in the old form
		t.Errorf("no note that --watch=HOST:PORT is deprecated:\n%s", &p.out)
	}
	resp, err := http.Get(address.FindString(p.out.String()) + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if code := p.wait(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &p.out)
	}
	var all output
	if _, err := all.b.ReadFrom(resp.Body); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
	text := all.String()
	if !strings.Contains(text, `"stage":"ended","end":"done"`) || !strings.Contains(text, `"step":32,"total":32`) {
		t.Errorf("the last event does not tell of the end: %s", text[max(0, len(text)-600):])
	}
	whippet(t, dir, 0, trainArgs("plain")...)
	for _, name := range []string{"model.safetensors", "history.csv"} {
		a, err := os.ReadFile(filepath.Join(dir, "run", name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "plain", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "history.csv" { // its last column is the time
			clock := regexp.MustCompile(`,[\d:]+\n`)
			a, b = clock.ReplaceAll(a, nil), clock.ReplaceAll(b, nil)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs with and without --watch", name)
		}
	}
}
