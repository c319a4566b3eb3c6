package plot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestConfusionMatrixFitsItsFigure(t *testing.T) {
	for _, c := range []struct {
		classes int
		names   string
		percent bool
		size    Size
	}{
		{1, "short", false, Size{}},
		{2, "short", true, Size{}},
		{3, "short", false, Size{}},
		{3, "long", true, Size{}},
		{3, "scripts", false, Size{}},
		{3, "short", false, Size{Width: 4, Height: 4, DPI: 100}},
		{3, "short", false, Size{Width: 10}},
		{10, "short", false, Size{}},
		{12, "scripts", false, Size{}},
		{37, "short", false, Size{}},
		{37, "short", true, Size{}},
		{37, "long", false, Size{}},
		{37, "scripts", false, Size{}},
		{37, "short", false, Size{Width: 12, Height: 12, DPI: 60}},
		{37, "short", false, Size{Width: 5, Height: 5, DPI: 100}},
		{200, "short", false, Size{}},
		{200, "long", true, Size{}},
		{200, "scripts", false, Size{}},
		{200, "short", false, Size{Width: 8, Height: 8}},
	} {
		name := fmt.Sprintf("confusion %d %s percent=%v %gx%g", c.classes, c.names, c.percent, c.size.Width, c.size.Height)
		t.Run(name, func(t *testing.T) {
			f, err := ConfusionMatrix(classNames(c.classes, c.names), counts(c.classes, 200), ConfusionOptions{Normalize: c.percent, Size: c.size})
			check(t, name, f, err)
			if c.size.Width > 0 && f.width != c.size.Width*72 || c.size.Height > 0 && f.height != c.size.Height*72 {
				t.Errorf("the figure is %v×%v points, want %v×%v inches", f.width, f.height, c.size.Width, c.size.Height)
			}
		})
	}
}

// texts returns all text of a figure.
func texts(f *Figure) string {
	var out []string
	for _, o := range f.ops {
		if o.kind == opText {
			out = append(out, o.text)
		}
	}
	return strings.Join(out, "\n")
}

func tips(f *Figure) string {
	var out []string
	for _, o := range f.ops {
		if o.tip != "" {
			out = append(out, o.tip)
		}
	}
	return strings.Join(out, "\n")
}

func TestConfusionMatrixSaysWhatIsInIt(t *testing.T) {
	m := [][]int{{8, 2}, {0, 5}}
	f, err := ConfusionMatrix([]string{"cat", "dog"}, m, ConfusionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Confusion matrix\n13 of 15 right (86.7 %) · counts\n8\n2\n5\n"; !strings.HasPrefix(texts(f), want) {
		t.Errorf("counts: text begins %q, want %q", texts(f), want)
	}
	if want := "cat, predicted dog: 2 of 10 (20.0 %)"; !strings.Contains(tips(f), want) {
		t.Errorf("tooltips %q lack %q", tips(f), want)
	}
	if f, err = ConfusionMatrix([]string{"cat", "dog"}, m, ConfusionOptions{Normalize: true, Title: "Mine"}); err != nil {
		t.Fatal(err)
	}
	if want := "Mine\n13 of 15 right (86.7 %) · percent of each row\n80\n20\n100\n"; !strings.HasPrefix(texts(f), want) {
		t.Errorf("normalised: text begins %q, want %q", texts(f), want)
	}
}

func TestEveryClassIsNamed(t *testing.T) {
	for _, n := range []int{3, 37, 200} {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("breed_%d", i)
		}
		f, err := ConfusionMatrix(names, counts(n, 50), ConfusionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(texts(f), "\n")
		seen := map[string]int{}
		for _, l := range lines {
			seen[l]++
		}
		for _, name := range names {
			if seen[name] != 2 {
				t.Errorf("%d classes: %s is written %d times, want beside its row and below its column", n, name, seen[name])
			}
		}
	}
}

func TestConfusionMatrixRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		vocab  []string
		counts [][]int
		size   Size
		want   string
	}{
		{"no classes", nil, nil, Size{}, "of 0 classes"},
		{"too many", make([]string, MaxClasses+1), nil, Size{}, "2001 classes"},
		{"rows", []string{"a", "b"}, [][]int{{1, 2}}, Size{}, "1 rows for 2 classes"},
		{"columns", []string{"a", "b"}, [][]int{{1, 2}, {3}}, Size{}, "row 1 (b)"},
		{"negative", []string{"a"}, [][]int{{-1}}, Size{}, "-1 at row 0"},
		{"size", []string{"a"}, [][]int{{1}}, Size{Width: -1}, "Size.Width is -1"},
		{"dpi", []string{"a"}, [][]int{{1}}, Size{DPI: 1e9}, "Size.DPI"},
	} {
		f, err := ConfusionMatrix(c.vocab, c.counts, ConfusionOptions{Size: c.size})
		refused(t, c.name, f, err, c.want)
	}
}

// FuzzClassNames draws any names: no panic, nothing but valid XML.
func FuzzClassNames(f *testing.F) {
	for _, s := range []string{"", "cat", "柴犬", "<script>&\"'", "a\x00b\xff", "e\u0301", "\u202etxt", strings.Repeat("x", 5000), "👩‍👩‍👧", "\ufeff", "\U0010ffff"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, name string, width uint8) {
		fig, err := ConfusionMatrix([]string{name, "other"}, [][]int{{3, 1}, {0, 4}}, ConfusionOptions{Title: name, Size: Size{Width: float64(width) / 8, DPI: 40}})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := fig.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, "fuzz", b.Bytes())
		if !utf8.Valid(b.Bytes()) {
			t.Error("the SVG is not UTF-8")
		}
		if _, err := fig.Image(); err != nil {
			t.Fatal(err)
		}
	})
}
