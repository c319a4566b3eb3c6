//go:build linux || darwin

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestSameFindings searches for a learning rate and judges models on ranks, and wants what one process
// finds: what is printed, and the files. The pictures make batches that the ranks do not divide.
func TestSameFindings(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	all[0].train(t, 0, 2, "one", "--epochs", "2")
	all[0].run(t, 0, 2, slices.Concat(severalLabels, strings.Fields("--epochs 2 --out several"))...)
	lrFind := append([]string{"lr-find"}, settings[1:]...)
	for name, args := range map[string][]string{ // interpret has no --threads
		"lr-find":                   slices.Concat(lrFind, strings.Fields("--steps 12 --table found.csv")),
		"lr-find of all layers":     slices.Concat(lrFind, strings.Fields("--steps 12 --unfrozen --table found.csv")),
		"interpret":                 strings.Fields("interpret one --all --batch 7 --table found.csv"),
		"interpret, few pictures":   strings.Fields("interpret one --batch 13 --table found.csv"),
		"interpret, augmented":      strings.Fields("interpret one --tta 2 --batch 7 --json --table found.csv"),
		"interpret, several labels": strings.Fields("interpret several --all --batch 7 --table found.csv"),
	} {
		t.Run(name, func(t *testing.T) {
			find := func(c cluster, ranks, threads int) string {
				return fmt.Sprintf("%s\n%s", c.run(t, ranks, threads, args...), c.read(t, "found.csv"))
			}
			threads := func(n int) int {
				if args[0] == "interpret" {
					return 0
				}
				return n
			}
			want := find(all[0], 0, threads(2))
			if n := bytes.Count([]byte(want), []byte("\n")); n < 12 {
				t.Fatalf("one process finds\n%s", want)
			}
			for i, c := range all {
				counts := []int{2, 4}
				if i > 0 {
					counts = counts[i%2:][:1]
				}
				for _, ranks := range counts {
					if got := find(c, ranks, threads(1+i%2)); got != want {
						t.Errorf("%s: %d ranks find\n%s\none process\n%s", c.Name, ranks, got, want)
					}
				}
			}
		})
	}
}
