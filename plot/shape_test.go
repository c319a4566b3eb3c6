package plot

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
)

func TestRightToLeft(t *testing.T) {
	for s, want := range map[string]bool{
		"beagle": false, "": false, "123": false, "כלב": true, "كلب": true, "12 כלב": true, "dog כלב": false, "柴犬": false,
	} {
		if got := rightToLeft([]rune(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestRunsInOrder(t *testing.T) {
	const l, r = di.DirectionLTR, di.DirectionRTL
	for _, c := range []struct {
		name string
		dir  di.Direction
		runs []di.Direction // in the order of the text
		want string         // their numbers from left to right
	}{
		{"one run", l, []di.Direction{l}, "0"},
		{"Hebrew within English", l, []di.Direction{l, r, l}, "012"},
		{"two Hebrew runs within English", l, []di.Direction{l, r, r, l}, "0213"},
		{"Hebrew", r, []di.Direction{r, r}, "10"},
		{"English within Hebrew", r, []di.Direction{r, l, r}, "210"},
		{"two English runs within Hebrew", r, []di.Direction{r, l, l, r}, "3120"},
	} {
		var in []shaping.Input
		for i, d := range c.runs {
			in = append(in, shaping.Input{RunStart: i, Direction: d})
		}
		var got strings.Builder
		for _, run := range inOrder(in, c.dir) {
			got.WriteByte('0' + byte(run.RunStart))
		}
		if got.String() != c.want {
			t.Errorf("%s: order %s, want %s", c.name, got.String(), c.want)
		}
	}
}

func TestWidths(t *testing.T) {
	if got := shape("", false); got.width != 0 || len(got.glyphs) != 0 {
		t.Errorf("nothing has width %v", got.width)
	}
	i, w := shape("iiii", false).width, shape("WWWW", false).width
	if !(0 < i && i < w && w < 6) {
		t.Errorf("iiii is %v ems and WWWW %v", i, w)
	}
	// The digits of the Go fonts are all as wide as each other.
	if d := shape("0123456789", false).width; math.Abs(d-10*shape("0", false).width) > 1e-3 {
		t.Errorf("digits differ in width: %v", d)
	}
	if b, r := shape("breed", true).width, shape("breed", false).width; b <= r {
		t.Errorf("bold is %v ems wide, regular %v", b, r)
	}
}

func TestMissingCharacterIsDrawnAsItsCode(t *testing.T) {
	l := shape("a\U0010fffdb", false) // the last private-use character
	if len(l.glyphs) != 3 || l.glyphs[1].code != 0x10fffd || l.glyphs[0].code != 0 || l.glyphs[2].code != 0 {
		t.Fatalf("glyphs are %+v", l.glyphs)
	}
	box := codeBox(0x10fffd)
	for _, s := range box.segs {
		for _, p := range s.args[:points(s.op)] {
			if p.x < 0 || p.x > 1 || p.y < -1 || p.y > 0.3 {
				t.Errorf("the box reaches (%v, %v)", p.x, p.y)
			}
		}
	}
	if len(box.segs) < 40 {
		t.Errorf("%d segments: the digits are missing", len(box.segs))
	}
}

func TestArabicIsJoinedAndRunsLeft(t *testing.T) {
	text.Lock()
	none := text.system.face('ك') == nil
	text.Unlock()
	if none {
		t.Skip("no font of this system has Arabic letters")
	}
	l := shape("كلب", false)
	apart := shape("ك", false).width + shape("ل", false).width + shape("ب", false).width
	if l.width >= apart {
		t.Errorf("joined letters are %v ems wide, apart %v", l.width, apart)
	}
	for i := 1; i < len(l.glyphs); i++ {
		if l.glyphs[i].x < l.glyphs[i-1].x {
			t.Errorf("glyph %d stands left of glyph %d: they must be in the order of the line", i, i-1)
		}
	}
}

func TestShapingFromManyGoroutines(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, s := range classNames(24, "scripts") {
				if shape(s, false).width <= 0 {
					t.Errorf("%q has no width", s)
				}
			}
		}()
	}
	wg.Wait()
}

// FuzzShape lays out any text: finite places, no panic.
func FuzzShape(f *testing.F) {
	for _, s := range classNames(12, "scripts") {
		f.Add(s)
	}
	f.Add("a\u0300\u0301\u200d\u202e\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		l := shape(clean(s), false)
		if !(l.width >= 0 && l.width < 1e5) {
			t.Errorf("%q is %v ems wide", s, l.width)
		}
		for _, g := range l.glyphs {
			if math.IsNaN(g.x) || math.IsInf(g.x, 0) || math.IsNaN(g.y) || math.IsInf(g.y, 0) {
				t.Errorf("%q has a glyph at (%v, %v)", s, g.x, g.y)
			}
		}
	})
}

func TestSVGTellsLongTextHowLongToBe(t *testing.T) {
	for name, want := range map[string]bool{"pug": false, "great_pyrenees": true, "private \U0010fffd use": false} {
		c := &canvas{}
		c.text(name, 10, 10, fontSpec{size: 10}, ink, 0)
		var b strings.Builder
		if err := c.figure("", 100, 20, Size{}).WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "textLength="); got != want {
			t.Errorf("%q has a textLength: %v, want %v", name, got, want)
		}
	}
}
