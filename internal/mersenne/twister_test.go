package mersenne

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The first word that the generator's authors give for their default seed, and the
// 10 000th, which C++'s std::mt19937 is required to give.
func TestWords(t *testing.T) {
	m := New(5489)
	if got := m.Uint32(); got != 3499211612 {
		t.Errorf("seed 5489: first word is %d, want 3499211612", got)
	}
	for range 9998 {
		m.Uint32()
	}
	if got := m.Uint32(); got != 4123659995 {
		t.Errorf("seed 5489: word 10000 is %d, want 4123659995", got)
	}
}

// torch.manual_seed(seed); torch.randperm(9) of PyTorch 1.13.
func TestTorchPermSeeds(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		want []int
	}{
		{0, []int{8, 0, 2, 3, 7, 1, 4, 5, 6}},
		{1, []int{4, 0, 6, 5, 7, 2, 8, 3, 1}},
		{1<<32 - 1, []int{0, 3, 4, 6, 2, 5, 7, 1, 8}},
		{1<<32 + 5, []int{8, 7, 4, 6, 5, 1, 2, 0, 3}},
	} {
		if got := TorchPerm(c.seed, 9); !slices.Equal(got, c.want) {
			t.Errorf("seed %d: %v, want %v", c.seed, got, c.want)
		}
	}
	for _, n := range []int{-3, 0} {
		if got := TorchPerm(42, n); len(got) != 0 {
			t.Errorf("n %d: %v, want an empty slice", n, got)
		}
	}
}

type split struct {
	N, Cut       int
	Seed         uint64
	Train, Valid []int
}

func checkSplit(t *testing.T, name string, s split) {
	t.Helper()
	p := TorchPerm(s.Seed, s.N)
	if !slices.Equal(p[:s.Cut], s.Valid) {
		t.Errorf("%s: the validation items differ from fastai's", name)
	}
	if !slices.Equal(p[s.Cut:], s.Train) {
		t.Errorf("%s: the training items differ from fastai's", name)
	}
}

// random_splitter.json holds what RandomSplitter(0.2, seed=42) of fastai2
// 0.0.30 on PyTorch 1.13.1 returned for lists of 7390, 600 and 10 items.
func TestTorchPermIsRandomSplitter(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "random_splitter.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]split
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 3 {
		t.Fatalf("random_splitter.json has %d cases, want 3", len(cases))
	}
	for name, s := range cases {
		checkSplit(t, name, s)
	}
}

// The split of the 450 three-breed Pets pictures, as fastai made it.
func TestTorchPermIsPets3Split(t *testing.T) {
	dir := os.Getenv("WHIPPET_TESTDATA")
	if dir == "" {
		t.Skip("WHIPPET_TESTDATA is not set: the stored Pets split is not compared")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "golden", "01_pets3_split.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Items        []string
		Train, Valid []int
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Valid) == 0 {
		t.Fatal("01_pets3_split.json has no validation items")
	}
	n := len(s.Train) + len(s.Valid)
	checkSplit(t, "pets3", split{N: n, Cut: n / 5, Seed: 42, Train: s.Train, Valid: s.Valid})
}
