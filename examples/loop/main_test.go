package main

import "testing"

func TestRun(t *testing.T) {
	losses, err := run(40, 42)
	if err != nil {
		t.Fatal(err)
	}
	if len(losses) != 40 {
		t.Fatalf("%d losses, want 40", len(losses))
	}
	mean := 0.0
	for _, l := range losses[30:] {
		mean += l / 10
	}
	if mean > 0.5 { // guessing gives log 3, 1.1
		t.Errorf("the mean loss of the last ten steps is %.3f, want 0.5 at most; all: %.3f", mean, losses)
	}
}
