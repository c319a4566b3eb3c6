package plot

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// typeface is a parsed font file. Sizes are in ems, outlines are kept.
type typeface struct {
	font *sfnt.Font
	em   fixed.Int26_6 // loading a glyph at this size gives whole font units

	mu     sync.Mutex
	buf    sfnt.Buffer
	glyphs map[sfnt.GlyphIndex]outline
}

// outline is a glyph in ems, y downwards from the baseline.
type outline struct {
	advance  float64
	segments []segment
}

type segment struct {
	op   sfnt.SegmentOp
	args [3]xy
}

func newTypeface(f *sfnt.Font) *typeface {
	return &typeface{font: f, em: fixed.Int26_6(f.UnitsPerEm()), glyphs: map[sfnt.GlyphIndex]outline{}}
}

func (t *typeface) index(r rune) sfnt.GlyphIndex {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.font.GlyphIndex(&t.buf, r)
	if err != nil {
		return 0
	}
	return g
}

// glyph returns an outline; a glyph that cannot be read is empty.
func (t *typeface) glyph(g sfnt.GlyphIndex) outline {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.glyphs[g]; ok {
		return o
	}
	var o outline
	k := 1 / float64(t.em)
	if adv, err := t.font.GlyphAdvance(&t.buf, g, t.em, font.HintingNone); err == nil {
		o.advance = float64(adv) * k
	}
	if segs, err := t.font.LoadGlyph(&t.buf, g, t.em, nil); err == nil {
		for _, s := range segs {
			out := segment{op: s.Op}
			for i, a := range s.Args {
				out.args[i] = xy{float64(a.X) * k, float64(a.Y) * k}
			}
			o.segments = append(o.segments, out)
		}
	}
	t.glyphs[g] = o
	return o
}

// embedded are the Go fonts (Bigelow & Holmes), in regular and bold: Latin,
// Greek and Cyrillic.
var embedded = sync.OnceValue(func() [2]*typeface {
	var out [2]*typeface
	for i, raw := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := sfnt.Parse(raw)
		if err != nil {
			panic("plot: the embedded Go font does not parse: " + err.Error()) // a broken build, not a broken input
		}
		out[i] = newTypeface(f)
	}
	return out
})

// fallback finds a font of the system that has a character. Answers are kept.
var fallback struct {
	sync.Mutex
	known  map[rune]*typeface
	opened map[string]*typeface // nil where a file cannot be used
}

// systemFont returns a font with the character, or nil.
func systemFont(r rune) *typeface {
	fallback.Lock()
	defer fallback.Unlock()
	if t, ok := fallback.known[r]; ok {
		return t
	}
	if fallback.known == nil {
		fallback.known, fallback.opened = map[rune]*typeface{}, map[string]*typeface{}
	}
	var found *typeface
	for _, path := range systemFonts() {
		t, ok := fallback.opened[path]
		if !ok {
			t = openFont(path)
			fallback.opened[path] = t
		}
		if t != nil && t.index(r) != 0 {
			found = t
			break
		}
	}
	fallback.known[r] = found
	return found
}

// maxFontFile bounds what is read of a font: the largest CJK collections have
// about 100 MB; those here have less.
const maxFontFile = 64 << 20

func openFont(path string) *typeface {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxFontFile {
		return nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all, err := sfnt.ParseCollection(raw)
	if err != nil || all.NumFonts() == 0 {
		return nil
	}
	f, err := all.Font(0)
	if err != nil || f.UnitsPerEm() == 0 {
		return nil
	}
	return newTypeface(f)
}

// systemFonts lists font files worth asking, widely used ones with many
// scripts first, in a fixed order.
var systemFonts = sync.OnceValue(func() []string {
	var out []string
	add := func(dir string, patterns ...string) {
		for _, p := range patterns {
			found, err := filepath.Glob(filepath.Join(dir, p))
			if err == nil {
				out = append(out, found...)
			}
		}
	}
	home, _ := os.UserHomeDir()
	switch runtime.GOOS {
	case "darwin":
		add("/System/Library/Fonts", "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "Helvetica.ttc", "*.ttc")
		add("/System/Library/Fonts/Supplemental", "Arial Unicode.ttf", "*.ttf")
		add("/Library/Fonts", "*.ttf", "*.otf", "*.ttc")
	case "windows":
		dir := filepath.Join(os.Getenv("WINDIR"), "Fonts")
		add(dir, "segoeui.ttf", "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "Nirmala.ttc", "Nirmala.ttf", "LeelawUI.ttf", "seguisym.ttf", "arial.ttf")
	default:
		for _, root := range []string{"/usr/share/fonts", "/usr/local/share/fonts", filepath.Join(home, ".local/share/fonts"), filepath.Join(home, ".fonts")} {
			for _, depth := range []string{"", "*", "*/*"} {
				add(filepath.Join(root, depth), "NotoSansCJK-Regular.*", "NotoSans-Regular.*", "DejaVuSans.ttf", "wqy-*.ttc", "Noto*-Regular.*", "*-Regular.ttf", "*-Regular.otf", "*.ttf", "*.ttc")
			}
		}
	}
	return out
})

// glyph is one character placed on a line.
type glyph struct {
	face *typeface // nil: no font has it, draw its code
	id   sfnt.GlyphIndex
	r    rune
	x    float64 // from the start of the line, in ems
	adv  float64
}

// shape places the characters of a line one after the other and returns its
// length in ems. Scripts whose letters join or reorder are set letter by
// letter; an SVG leaves them to the viewer, who does better.
func shape(s string, bold bool) ([]glyph, float64) {
	base := embedded()[0]
	if bold {
		base = embedded()[1]
	}
	var out []glyph
	x := 0.0
	for _, r := range s {
		g := glyph{face: base, r: r, x: x}
		if g.id = base.index(r); g.id == 0 {
			if g.face = systemFont(r); g.face != nil {
				g.id = g.face.index(r)
			}
		}
		switch {
		case g.face != nil:
			g.adv = g.face.glyph(g.id).advance
		case unicode.Is(unicode.Mn, r):
			continue // a combining mark that no font has: its letter is enough
		default:
			g.adv = 1
		}
		x += g.adv
		out = append(out, g)
	}
	return out, x
}

// clean makes a name fit to be drawn on one line: composed characters (macOS
// gives file names decomposed), no control characters, no broken UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s)
}

// width returns the length of a line in points.
func (f fontSpec) width(s string) float64 {
	_, w := shape(s, f.bold)
	return w * f.size
}
