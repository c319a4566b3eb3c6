package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// TestDivergedAndResumed trains with a learning rate at which weight decay turns
// and enlarges the weights in every step, so that numbers overflow in the second
// epoch, and does what the program then says, each time that
// it says it, until the run is complete.
func TestDivergedAndResumed(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	args := []string{"train", "--data", "photos", "--weights", "none", "--arch", "resnet10_small", "--size", "32", "--presize", "36",
		"--batch", "4", "--schedule", "one-cycle", "--epochs", "3", "--lr", "slice(5e3,5e3)", "--seed", "11", "--out", "wild"}
	says := regexp.MustCompile(`continue with a smaller learning rate: whippet (train --resume wild) --lr '(slice\(\S+\))'`)
	text := whippet(t, dir, 1, args...)
	rates := []string{}
	for {
		m := says.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no command to go on with:\n%s", text)
		}
		if rates = append(rates, m[2]); len(rates) > 8 {
			t.Fatalf("still diverges at the learning rates %v:\n%s", rates, text)
		}
		p := start(t, dir, append(strings.Fields(m[1]), "--lr", m[2])...)
		if code := p.wait(); code == 0 {
			break
		}
		text = p.out.String()
	}
	if rates[0] != "slice(500,500)" {
		t.Errorf("first advice %q, want a tenth of slice(5e3,5e3)", rates[0])
	}
	b, err := os.ReadFile(filepath.Join(dir, "wild", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c run.Config
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if c.LR != "slice(5e3,5e3)" || len(c.LRChanges) != len(rates) || c.Rate() != rates[len(rates)-1] || c.LRChanges[0].Step == 0 {
		t.Errorf("settings say learning rate %s, changed %+v; want slice(5e3,5e3), then %v", c.LR, c.LRChanges, rates)
	}
	if rows := strings.Count(results(t, filepath.Join(dir, "wild"))["history.csv"], "\n"); rows != 3 {
		t.Errorf("%d epochs in history.csv, want 3", rows)
	}
}
