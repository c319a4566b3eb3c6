package command

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/distributed"
)

// TestRanksMustBeAlike makes one rank of three differ in each way, and wants all to be told which
// and how.
func TestRanksMustBeAlike(t *testing.T) {
	config := func(change func(c *run.Config)) json.RawMessage {
		c := run.DefaultDrawn()
		change(&c)
		return json.RawMessage(mustJSON(c))
	}
	for _, c := range []struct {
		name   string
		change func(k *likeness)
		want   string
	}{
		{"nothing", func(k *likeness) {}, ""},
		{"where the data lies", func(k *likeness) { k.Settings = config(func(c *run.Config) { c.Dir = "/elsewhere" }) }, ""},
		{"contents that another rank of the machine compared", func(k *likeness) { k.Contents = "" }, ""},
		{"program", func(k *likeness) { k.Program = "v2" }, "its program is whippet v2, rank 0's v1"},
		{"instruction set", func(k *likeness) { k.Set = "avx512" }, "it computes with avx512, rank 0 with avx2"},
		{"Winograd", func(k *likeness) { k.Winograd = "off" }, `WHIPPET_WINOGRAD is "off"`},
		{"settings", func(k *likeness) { k.Settings = config(func(c *run.Config) { c.LR = "3e-3" }) }, `lr is "3e-3", was "2e-2" on rank 0`},
		{"flags", func(k *likeness) { k.Options = "--tta 4" }, "it was started with --tta 4, rank 0 with --tta 0"},
		{"pictures", func(k *likeness) { k.Listing = "9 pictures" }, "it sees other data: 9 pictures, rank 0 8 pictures"},
		{"contents", func(k *likeness) { k.Contents = "2" }, "other contents"},
		{"parameters", func(k *likeness) { k.Parameters = 6 }, "other parameters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := make([]error, 3)
			var wg sync.WaitGroup
			for r, g := range distributed.Goroutines(3) {
				k := likeness{Host: "here", Program: "v1", Set: "avx2", Settings: config(func(*run.Config) {}), Options: "--tta 0", Listing: "8 pictures", Contents: "1", Parameters: 5}
				if r == 1 {
					k.Host = "there"
					c.change(&k)
				}
				wg.Go(func() { errs[r] = compare(g, k) })
			}
			wg.Wait()
			for r, err := range errs {
				switch {
				case c.want == "" && err != nil:
					t.Errorf("rank %d: %v, want no difference", r, err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), "rank 1 on there cannot train with rank 0 on here: ") || !strings.Contains(err.Error(), c.want)):
					t.Errorf("rank %d: %v, want %q", r, err, c.want)
				case c.want != "" && !distributed.IsEverywhere(err):
					t.Errorf("rank %d: %v is not marked as everybody's", r, err)
				}
			}
		})
	}
}

// TestContentsOfEveryFolder gives ranks of one machine folders, and wants one rank of each to
// read the pictures.
func TestContentsOfEveryFolder(t *testing.T) {
	folders := []string{"a", "./a", "b", "b/../b", "c"}
	want := []bool{true, false, true, false, true}
	var wg sync.WaitGroup
	for r, g := range distributed.Goroutines(len(folders)) {
		wg.Go(func() {
			if got, err := comparesContents(g, "here", folders[r]); err != nil || got != want[r] {
				t.Errorf("rank %d on %s: %v, %v, want %v", r, folders[r], got, err, want[r])
			}
		})
	}
	wg.Wait()
}
