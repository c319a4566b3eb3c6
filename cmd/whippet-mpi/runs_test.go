//go:build linux || darwin

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// settings are those of every run, to which the number of epochs, of two steps each, comes.
var (
	settings = append(strings.Fields("train --data pictures --label folder"), network...)
	network  = strings.Fields("--arch resnet10_small --weights none --presize 0 --size 32 --batch 32 --shards 4 --seed 1")
	// growing has pictures of three sizes, each taken several times in a row.
	growing = append(strings.Fields("train --data pictures --label folder --sizes 24,28,32 --auto-augment randaugment:2,3-9 --aug-repeats 2"), network...)
	// trusted has what is fitted when training has ended, of which the first rank takes features alone.
	trusted = append(strings.Fields("train --data pictures --label folder --abstain coverage:0.5 --conformal 0.5 --strangeness 0.9"), network...)
	// taught learns from a model that is trained before.
	taught = slices.Concat(settings, strings.Fields("--distill teacher --mixup 0.4"))
	// severalLabels has pictures with any number of labels, thresholds that are chosen by the validation's
	// predictions, and what mixes a batch.
	severalLabels = append(strings.Fields("train --data pictures --label csv:labels.csv:labels --label-delim ; --mixup 0.4 --metrics f1_score,average_precision_score"), network...)
)

// run starts whippet, which must succeed, and returns its standard output.
func (c cluster) run(t *testing.T, ranks, threads int, args ...string) string {
	t.Helper()
	ctx, cancel := mpirun.Within(t, 2*time.Minute)
	defer cancel()
	cmd, stderr := c.command(ctx, ranks, threads, args...)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s, %d ranks: %v\n%s%s", c.Name, ranks, err, &stdout, stderr)
	}
	return stdout.String()
}

// train runs to the end.
func (c cluster) train(t *testing.T, ranks, threads int, run string, more ...string) {
	t.Helper()
	c.run(t, ranks, threads, slices.Concat(settings, more, []string{"--out", run})...)
}

// read is a file of the cluster's folder.
func (c cluster) read(t *testing.T, file ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, filepath.Join(file...)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// digest is that of the run's model.
func (c cluster) digest(t *testing.T, run string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(c.read(t, run, "model.safetensors")))
}

// results are what a run's files say, but for the time that it took.
func (c cluster) results(t *testing.T, run string) string {
	t.Helper()
	history := clock.ReplaceAllString(string(c.read(t, run, "history.csv")), "")
	return fmt.Sprintf("model %s\n%s%s", c.digest(t, run), history, c.read(t, run, "config.json"))
}

// clock is the last column of a history.
var clock = regexp.MustCompile(`(?m),[0-9:]+$`)

// TestSameBytes trains alone and on ranks, on one thread and on two.
func TestSameBytes(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	all[0].train(t, 0, 2, "teacher", "--epochs", "1")
	for name, settings := range map[string][]string{"one label": settings, "several labels": severalLabels, "sizes": growing, "trusted": trusted, "a teacher": taught} {
		t.Run(name, func(t *testing.T) {
			train := func(c cluster, ranks, threads int) string {
				const run = "run"
				c.run(t, ranks, threads, slices.Concat(settings, []string{"--epochs", "3", "--out", run})...)
				results := c.results(t, run)
				if err := os.RemoveAll(filepath.Join(c.dir, run)); err != nil {
					t.Fatal(err)
				}
				return results
			}
			want := train(all[0], 0, 2)
			for i, c := range all {
				for _, ranks := range []int{1, 2, 4} {
					threads := []int{1 + (i+ranks/2)%2}
					if i == 0 {
						threads = []int{1, 2}
					}
					for _, n := range threads {
						if got := train(c, ranks, n); got != want {
							t.Errorf("%s: %d ranks of %d threads have come to\n%s\none process to\n%s", c.Name, ranks, n, got, want)
						}
					}
				}
			}
		})
	}
}
