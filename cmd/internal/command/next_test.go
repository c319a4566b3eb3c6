package command

import (
	"encoding/csv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNext ranks pictures, two of which are the same and one of which cannot be read.
func TestNext(t *testing.T) {
	model, dir := smallModel(t), t.TempDir()
	for name, size := range map[string]int{"a.png": 50, "b.png": 61, "c.png": 61, "d.png": 90} {
		writePNG(t, filepath.Join(dir, name), size, size)
	}
	if err := os.WriteFile(filepath.Join(dir, "e.png"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "next.csv")
	for _, by := range []string{"margin", "entropy", "least"} {
		if _, err := runCommand(t, nil, "next", model, dir, "--by", by, "--out", out); err == nil {
			t.Error("the picture that cannot be read is passed over in silence")
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		if err != nil || len(rows) != 5 || strings.Join(rows[0], ",") != "rank,file,uncertainty,distance,label,score" {
			t.Fatalf("%s: %v\n%s", by, err, b)
		}
		most := 0.0
		for i, r := range rows[1:] {
			u, err := strconv.ParseFloat(r[2], 64)
			if err != nil || u < 0 || u > 1 || r[0] != strconv.Itoa(i+1) {
				t.Errorf("%s: row %v", by, r)
			}
			if i == 0 {
				most = u
			} else if u > most {
				t.Errorf("%s: the first picture is less uncertain than %v", by, r)
			}
		}
		if last := rows[4]; last[1] != filepath.Join(dir, "c.png") || last[3] != "0.000000" {
			t.Errorf("%s: the copy is not last: %v", by, last)
		}
	}
	if said, err := runCommand(t, nil, "next", model, filepath.Join(dir, "*a.png")); err != nil || strings.Count(said, "\n") != 2 {
		t.Errorf("a table on standard output: %q, %v", said, err)
	}
	for _, c := range []struct{ args, says string }{
		{"--by guess", "margin, entropy, least"},
		{"--top 0", "1 to 1000"},
		{"--page labels.txt", ".csv"},
		{"--page x.csv --out ./x.csv", "tables of their own"},
		{"-", "standard input"},
	} {
		if _, err := runCommand(t, nil, append([]string{"next", model, dir}, strings.Fields(c.args)...)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", c.args, err, c.says)
		}
	}
}

// TestNextThenTrain labels pictures on the page, goes on with the others, and trains on the table.
func TestNextThenTrain(t *testing.T) {
	dir := t.TempDir()
	drawnModel(t, dir)
	address := regexp.MustCompile(`http://(\S+)\?key=(\S+)`)
	label := func(body string) {
		t.Helper()
		p := start(t, dir, "next", "model.safetensors", "photos", "--page", "labels.csv", "--top", "6", "--batch", "8", "--address", "127.0.0.1:0")
		var at []string
		p.until("the page's address", func() bool { at = address.FindStringSubmatch(p.out.String()); return at != nil })
		post(t, at, "api/decide", body)
		post(t, at, "api/finish", "{}")
		if code := p.wait(); code != 0 {
			t.Errorf("exit code %d\n%s", code, &p.out)
		}
	}
	label(`{"decisions":[{"picture":0,"action":"relabel","label":"Isle_Fold"},{"picture":7,"action":"relabel","label":"Isle_Fold"},{"picture":3,"action":"drop"}]}`)
	label(`{"decisions":[{"picture":20,"action":"relabel","label":"Isle_Fold"}]}`)
	b, err := os.ReadFile(filepath.Join(dir, "labels.csv"))
	if err != nil || strings.Count(string(b), ",Isle_Fold\n") != 3 || strings.Count(string(b), "\n") != 4 {
		t.Errorf("%v\n%s", err, b)
	}
	more := string(b)
	for _, name := range []string{"1", "2"} { // a class more, by hand
		writePNG(t, filepath.Join(dir, "photos", name+".png"), 40, 40)
		more += name + ".png,other\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "more.csv"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	whippet(t, dir, 0, "train", "--data", "photos", "--label", "csv:"+filepath.Join(dir, "more.csv"), "--arch", "squeezenet1_1", "--weights", "none",
		"--size", "32", "--presize", "36", "--batch", "2", "--epochs", "1", "--out", "run")
}

// post sends a page what a person decided.
func post(t *testing.T, address []string, path, body string) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+address[1]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Whippet-Key", address[2])
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s %s, %v", path, resp.Status, b, err)
	}
}
