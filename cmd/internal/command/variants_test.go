package command

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestVariantsKilledAndResumed kills runs with settings that have a state of their own, after a share of the
// time that they take, resumes them, and compares what they end with to runs that were left alone.
func TestVariantsKilledAndResumed(t *testing.T) {
	slow.Test(t)
	for name, flags := range map[string][]string{
		"sizes":       {"--size", "48", "--sizes", "32:1,40:2,48", "--auto-augment", "randaugment:2,5-15"},
		"aug-repeats": {"--aug-repeats", "3"},
		"distill":     {"--distill", "teacher", "--distill-size", "36"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			photos(t, dir)
			whippet(t, dir, 0, trainArgs("teacher", "--epochs", "1")...)
			began := time.Now()
			whippet(t, dir, 0, trainArgs("alone", flags...)...)
			took := time.Since(began)
			want := results(t, filepath.Join(dir, "alone"))
			for share := 2; share < 8; share++ {
				out := filepath.Join(dir, "killed")
				args := slices.Concat(trainArgs("killed", flags...), []string{"--checkpoint-every", "1ms"})
				kills := 0
				for ; !exists(out) && kills < 20; kills++ {
					p := start(t, dir, args...)
					time.Sleep(took * time.Duration(share+2*kills) / 10)
					_ = p.cmd.Process.Kill()
					p.wait()
					if exists(filepath.Join(out+".partial", "config.json")) {
						args = strings.Fields("train --resume killed")
					}
				}
				if got := results(t, out); kills > 1 {
					same(t, name, want, got)
					return
				}
			}
			t.Skip("the run was never killed before its end")
		})
	}
}
