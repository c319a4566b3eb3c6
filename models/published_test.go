package models

import "testing"

// TestPublishedPreprocessing compares with torchvision's tables: weights of 2016
// to 2019 are measured with a short side of 256 pixels, those of 2021 with 232,
// the middle 224 of which go in.
func TestPublishedPreprocessing(t *testing.T) {
	short := map[string]int{"IMAGENET1K_V1": 256, "IMAGENET1K_V2": 232}
	found := 0
	for _, name := range Names() {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range a.Weights {
			found++
			p := w.Preprocess
			if err := p.Check(); err != nil || p.Short() != short[w.Name] || p.Size != 224 {
				t.Errorf("%s %s: %d of %d pixels, want 224 of %d; %v", name, w.Name, p.Size, p.Short(), short[w.Name], err)
			}
			if p.Presize != 0 || p.Stats != a.Stats() {
				t.Errorf("%s %s: presize %d, statistics %v", name, w.Name, p.Presize, p.Stats)
			}
		}
	}
	if found == 0 {
		t.Error("no published weights")
	}
}
