package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBlock(t *testing.T) {
	root := pets(t, 25, "pug", "Bengal", "beagle")
	d := build(t, petsBlock(), root)
	if want := []string{"Bengal", "beagle", "pug"}; !slices.Equal(d.Vocab, want) {
		t.Errorf("vocabulary %q, want %q", d.Vocab, want)
	}
	if a, b := len(d.Train.Items()), len(d.Valid.Items()); a != 60 || b != 15 {
		t.Errorf("%d for training and %d for validation, want 60 and 15", a, b)
	}
	for _, l := range []*Loader{d.Train, d.Valid} {
		for i, it := range l.Items() {
			if want, got := filepath.Base(it.Path), d.Vocab[l.Targets().Class[i]]; !strings.HasPrefix(want, got+"_") {
				t.Errorf("%s has the class %q", want, got)
			}
		}
	}
	if len(d.Warnings) != 0 || d.NumClasses() != 3 {
		t.Errorf("warnings %q, %d classes; want none, 3", d.Warnings, d.NumClasses())
	}
}

// TestMistakes has one case for each mistake that building must find; every
// message names a file or the value that is wrong.
func TestMistakes(t *testing.T) {
	good := pets(t, 20, "a", "b")
	with := func(f func(b *Block)) Block {
		b := petsBlock()
		f(&b)
		return b
	}
	add := func(name string, content []byte) string {
		root := pets(t, 20, "a", "b")
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
		return root
	}
	whole := picture(14, 14, 1)
	for _, c := range []struct {
		name  string
		b     Block
		root  string
		kind  error
		parts []string // of the message
	}{
		{"no folder", petsBlock(), filepath.Join(good, "nowhere"), ErrNoItems, []string{"nowhere does not exist"}},
		{"no folder, as the system says it", petsBlock(), filepath.Join(good, "nowhere"), os.ErrNotExist, nil},
		{"a file", petsBlock(), filepath.Join(good, "a_1.jpg"), ErrNoItems, []string{"a_1.jpg is a file"}},
		{"no pictures", petsBlock(), write(t, map[string][]byte{"x.mat": nil, "y.mat": nil, "z.txt": nil, ".hidden/a_1.jpg": whole}), ErrNoItems, []string{".jpg .png", "2 .mat, 1 .txt"}},
		{"no match", petsBlock(), add("Readme.png", whole), ErrLabel, []string{"Readme.png", "1 item of 41"}},
		{"one class", petsBlock(), pets(t, 20, "pug"), ErrOneClass, []string{`"pug"`, "pug_"}},
		{"unknown validation label", with(func(b *Block) {
			b.Split = FuncSplit(func(it Item) bool { return strings.Contains(it.Path, "c_") })
		}), pets(t, 10, "a", "b", "c"), ErrUnknown, []string{`"c"`, "c_1.jpg", "never occurs in training"}},
		{"validation label in another case", with(func(b *Block) {
			b.Split = FuncSplit(func(it Item) bool { return strings.Contains(it.Path, "ä_") })
		}), pets(t, 10, "a", "Ä", "ä"), ErrUnknown, []string{`it has "\u00c4", which differs from "\u00e4" in upper and lower case`}},
		{"label outside the given vocabulary", with(func(b *Block) { b.Vocab = []string{"a", "z"} }), good, ErrUnknown, []string{`"b"`, "not in the vocabulary"}},
		{"vocabulary with a double", with(func(b *Block) { b.Vocab = []string{"a", "b", "a"} }), good, ErrDuplicate, []string{`"a" twice`}},
		{"different sizes", with(func(b *Block) { b.ItemTransforms = nil }), good, ErrSizes, []string{".jpg is 12×", ".jpg is 20×", "Resize"}},
		{"different sizes, sizes not known", with(func(b *Block) { b.ItemTransforms = nil; b.Items = noCheck{pngs{}} }), good, ErrSizes, []string{".jpg is "}},
		{"no validation", with(func(b *Block) { b.Split = RandomSplit(0.01, 42) }), good, ErrEmptySplit, []string{"none of the 40 items for validation"}},
		{"no training", with(func(b *Block) { b.Split = FuncSplit(func(Item) bool { return true }) }), good, ErrEmptySplit, []string{"for training"}},
		{"batch too large", with(func(b *Block) { b.BatchSize = 33 }), good, ErrBatchSize, []string{"batch of 33", "32 pictures", "32 or less"}},
		{"negative batch", with(func(b *Block) { b.BatchSize = -1 }), good, ErrBatchSize, []string{"-1"}},
		{"truncated picture", petsBlock(), add("a_99.jpg", whole[:20]), ErrDamaged, []string{"a_99.jpg", "SkipDamaged"}},
		{"empty file", petsBlock(), add("b_99.jpg", nil), ErrDamaged, []string{"b_99.jpg"}},
		{"cut after its header, everything checked", with(func(b *Block) { b.Check = CheckDecode }), add("a_98.jpg", whole[:len(whole)/2]), ErrDamaged, []string{"a_98.jpg"}},
		{"transform that fails", with(func(b *Block) { b.ItemTransforms = crop{15} }), good, ErrDamaged, []string{"smaller than 15"}},
		{"index twice", with(func(b *Block) { b.Split = twice{} }), good, ErrSplit, []string{"a_1.jpg into training and again into validation"}},
		{"no source", with(func(b *Block) { b.Items = nil }), good, nil, []string{"no Items"}},
		{"no labels", with(func(b *Block) { b.Label = nil }), good, nil, []string{"no Label"}},
		{"pattern", with(func(b *Block) { b.Label = RegexLabel("(") }), good, nil, []string{"not a regular expression"}},
		{"negative workers", with(func(b *Block) { b.Workers = -1 }), good, nil, []string{"-1"}},
		{"listed twice", with(func(b *Block) { b.Items = doubles{} }), good, ErrDuplicate, []string{"a_1.jpg is listed twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := c.b.DataLoaders(context.Background(), c.root)
			if err == nil {
				d.Close()
				t.Fatal("no error")
			}
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("the error is not %v: %v", c.kind, err)
			}
			for _, p := range append(c.parts, "data: ") {
				if !strings.Contains(err.Error(), p) {
					t.Errorf("the error does not say %q: %v", p, err)
				}
			}
			if strings.Count(err.Error(), "data: ") > 1 {
				t.Errorf("the package is named twice: %v", err)
			}
		})
	}
}

// twice puts the first item into both sets.
type twice struct{}

func (twice) Split(root string, items []Item) (train, valid []int, err error) {
	return []int{0, 1}, []int{2, 0}, nil
}

// doubles lists everything twice, the second time by another spelling.
type doubles struct{ pngs }

func (doubles) List(ctx context.Context, root string) ([]Item, error) {
	items, err := pngs{}.List(ctx, root)
	for _, it := range slices.Clone(items) {
		items = append(items, Item{Path: filepath.Dir(it.Path) + "/./" + filepath.Base(it.Path)})
	}
	return items, err
}

func TestSkipDamaged(t *testing.T) {
	root := pets(t, 25, "a", "b")
	whole := build(t, petsBlock(), root)
	victim := whole.Train.Items()[3].Path
	half := whole.Train.Items()[5].Path
	content, err := os.ReadFile(half)
	if err != nil {
		t.Fatal(err)
	}
	for path, c := range map[string][]byte{victim: []byte("not a picture"), half: content[:len(content)-40]} {
		if err := os.WriteFile(path, c, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := petsBlock()
	b.Damaged = SkipDamaged
	d := build(t, b, root)
	if len(d.Skipped) != 1 || d.Skipped[0].Path != victim || len(d.Warnings) != 1 {
		t.Errorf("left out %v with warnings %q, want only %s", d.Skipped, d.Warnings, victim)
	}
	want := slices.Concat(whole.Train.Items()[:3], whole.Train.Items()[4:])
	if fmt.Sprint(d.Train.Items()) != fmt.Sprint(want) || fmt.Sprint(d.Valid.Items()) != fmt.Sprint(whole.Valid.Items()) {
		t.Error("leaving a picture out changed what the others are for")
	}
	// The other one has a good header: it is found, and counted, on the way.
	l := d.Train.WithTransforms(true)
	if _, n := digest(t, l, 0, 0); n != 5 {
		t.Errorf("%d batches, want 5", n)
	}
	if got := d.Train.Damaged(); len(got) != 1 || got[0].Path != half {
		t.Errorf("the loader reports %v, want %s", got, half)
	}
	b.Check = CheckDecode
	if d = build(t, b, root); len(d.Skipped) != 2 {
		t.Errorf("decoding everything left out %d pictures, want 2", len(d.Skipped))
	}
}

func TestVerify(t *testing.T) {
	root := write(t, map[string][]byte{"a.png": picture(4, 4, 1), "b.png": picture(4, 4, 2)[:30], "c.png": nil})
	items, err := pngs{}.List(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	bad, err := Verify(context.Background(), pngs{}, items, 2, func(done, total int) { last = done })
	if err != nil || len(bad) != 2 || filepath.Base(bad[0].Path) != "b.png" || filepath.Base(bad[1].Path) != "c.png" || last != 3 {
		t.Errorf("found %v, error %v, progress to %d; want b.png and c.png, 3", bad, err, last)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(ctx, pngs{}, items, 0, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAllValidAndAllTrain(t *testing.T) {
	root := pets(t, 10, "b", "c")
	b := petsBlock()
	b.Split, b.Vocab = AllValid, []string{"c", "b", "a"}
	d := build(t, b, root)
	if d.Train.Len() != 0 || d.Valid.Len() != 3 || d.Valid.Targets().Class[0] != 1 || len(d.Warnings) != 1 {
		t.Errorf("AllValid: %d and %d batches, first class %d, warnings %q; want 0, 3, 1, and that a is not judged",
			d.Train.Len(), d.Valid.Len(), d.Valid.Targets().Class[0], d.Warnings)
	}
	b.Split, b.Vocab = AllTrain, nil
	if d = build(t, b, root); d.Train.Len() != 2 || d.Valid.Len() != 0 {
		t.Errorf("AllTrain: %d and %d batches, want 2 and 0", d.Train.Len(), d.Valid.Len())
	}
	if _, err := d.Valid.OneBatch(context.Background()); !errors.Is(err, ErrEmptySplit) {
		t.Errorf("a batch of nothing: %v, want ErrEmptySplit", err)
	}
}

func TestSummary(t *testing.T) {
	root := pets(t, 25, "pug", "Bengal")
	b := petsBlock()
	b.ItemTransforms = Chain(crop{12}, crop{10})
	var out bytes.Buffer
	if err := b.Summary(context.Background(), root, &out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"50 items", "Bengal_1.jpg → \"Bengal\"", "40 for training, 10 for validation", "2 classes: Bengal, pug",
		"RGB", "crop(12) → 12×12", "crop(10) → 10×10", "shade → [8 10 10 3] float32", "5 batches per epoch"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the summary lacks %q:\n%s", part, out.String())
		}
	}
	out.Reset()
	b.Label = RegexLabel(`(\d+)x`)
	err := b.Summary(context.Background(), root, &out)
	if !errors.Is(err, ErrLabel) || !strings.Contains(out.String(), "Error") || strings.Contains(out.String(), "Split") {
		t.Errorf("a summary with a label that does not match should end there, gave %v:\n%s", err, out.String())
	}
}

func TestSummaryGoesPastDamagedPictures(t *testing.T) {
	root := pets(t, 25, "a", "b")
	first := build(t, petsBlock(), root).Train.Items()[0].Path
	if err := os.Truncate(first, 60); err != nil { // the header stays
		t.Fatal(err)
	}
	b := petsBlock()
	b.BatchTransforms = nil
	var out bytes.Buffer
	if err := b.Summary(context.Background(), root, &out); !errors.Is(err, ErrDamaged) || !strings.Contains(out.String(), filepath.Base(first)) {
		t.Errorf("a damaged first picture: %v\n%s", err, out.String())
	}
	b.Damaged = SkipDamaged
	out.Reset()
	if err := b.Summary(context.Background(), root, &out); err != nil || !strings.Contains(out.String(), "Left out") || !strings.Contains(out.String(), "ToFloat") {
		t.Errorf("with SkipDamaged: %v\n%s", err, out.String())
	}
}

// TestDamagedInTheMiddle: the error comes where the batch would have come, and
// stays.
func TestDamagedInTheMiddle(t *testing.T) {
	root := pets(t, 25, "a", "b")
	d := build(t, petsBlock(), root)
	victim := d.Train.Items()[d.Train.Order(0)[20]].Path // of batch 2
	if err := os.Truncate(victim, 60); err != nil {
		t.Fatal(err)
	}
	it := d.Train.Epoch(context.Background(), 0, 0)
	defer it.Close()
	for i := range 2 {
		b, err := it.Next()
		if err != nil {
			t.Fatalf("batch %d, before the damaged picture: %v", i, err)
		}
		b.Release()
	}
	for range 2 {
		_, err := it.Next()
		var item *ItemError
		if !errors.As(err, &item) || item.Path != victim || !errors.Is(err, ErrDamaged) || errors.Unwrap(item) == nil {
			t.Errorf("the batch with the damaged picture gave %v, want an ItemError of %s", err, victim)
		}
	}
	if l := d.Train; l.BatchSize() != 8 || !l.Train() || d.Valid.Train() {
		t.Errorf("batch size %d, training %v and %v; want 8, true, false", l.BatchSize(), l.Train(), d.Valid.Train())
	}
}

func TestCancelBuilding(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := petsBlock().DataLoaders(ctx, pets(t, 10, "a", "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("building with a cancelled context: %v", err)
	}
}

// TestFoldersOfPeople builds loaders of folders as people have them: what could
// mislead is said.
func TestFoldersOfPeople(t *testing.T) {
	class := func(files map[string][]byte, dir, name string, n int) {
		for i := range n {
			files[fmt.Sprintf("%s/%s_%d.png", dir, name, i)] = picture(14, 14, uint64(len(files)))
		}
	}
	for name, c := range map[string]struct {
		change func(files map[string][]byte)
		split  Splitter
		fails  bool
		says   []string
	}{
		"a folder within a class": {func(f map[string][]byte) { class(f, "a/inner/most", "x", 3) }, nil, false,
			[]string{"different depth", `40 as in "a"`, `3 as in "a/inner/most"`}},
		"a picture beside the classes": {func(f map[string][]byte) { f["stray.png"] = picture(14, 14, 99) }, nil, false, []string{"different depth", "1 as in", "itself"}},
		"one class is of other files": {func(f map[string][]byte) {
			for i := range 20 {
				delete(f, fmt.Sprintf("b/b_%d.png", i))
				f[fmt.Sprintf("b/b_%d.txt", i)] = []byte("text")
			}
		}, nil, true, []string{`the label "a"`, "20 .txt"}},
		"one picture for training": {func(map[string][]byte) {}, FuncSplit(func(it Item) bool { return !strings.HasSuffix(it.Path, "a_0.png") }), true, []string{"1 picture for training", "2 labels", "another share"}},
		"missing values":           {func(f map[string][]byte) { class(f, "NaN", "n", 9) }, nil, false, []string{`the class "NaN" (9)`}},
		"numbers": {func(f map[string][]byte) { class(f, "1", "n", 9); class(f, "1.0", "m", 9); class(f, "-1", "m", 9) }, nil, false,
			[]string{`"1" (9) and "1.0" (9) differ in how the number is written`}},
		"a label that is no text": {func(f map[string][]byte) { class(f, "a\xff", "n", 3) }, nil, true, []string{`"a\xff"`, "UTF-8"}},
		"damaged in both parts": {func(f map[string][]byte) { f["a/a_3.png"], f["a/a_4.png"], f["b/b_3.png"] = nil, nil, nil }, FuncSplit(func(it Item) bool { return strings.HasSuffix(it.Path, "_3.png") }), true,
			[]string{"3 pictures cannot be opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			class(files, "a", "a", 20)
			class(files, "b", "b", 20)
			c.change(files)
			b := petsBlock()
			b.Label = ParentLabel
			b.Items = notedPNGs{}
			if c.split != nil {
				b.Split = c.split
			}
			d, err := b.DataLoaders(t.Context(), write(t, files))
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			said := fmt.Sprint(err)
			if err == nil {
				said = strings.Join(d.Warnings, "\n")
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("it says\n%s\nwithout %q", said, want)
				}
			}
			if strings.Contains(said, `"-1"`) {
				t.Errorf("-1 is no other way to write 1:\n%s", said)
			}
		})
	}
}

// notedPNGs is pngs with notes.
type notedPNGs struct{ pngs }

func (notedPNGs) ListNoted(ctx context.Context, root string) ([]Item, []string, error) {
	return ListFilesNoted(ctx, root, ListOptions{Extensions: []string{".png", ".jpg"}})
}
