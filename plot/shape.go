package plot

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// line is one line of text shaped: letters joined, reordered and placed as its
// script wants, by the HarfBuzz algorithm. Lengths are ems, y downwards from
// the baseline.
type line struct {
	width  float64
	glyphs []glyph
}

// glyph is an outline and where it goes.
type glyph struct {
	outline []segment // shared, not to be changed; nil if code is to be drawn
	code    rune      // a character that no font has
	x, y    float64
}

// known says whether fonts had all of the line's characters, so that its width
// is that of the letters a reader sees.
func (l line) known() bool {
	for _, g := range l.glyphs {
		if g.code != 0 {
			return false
		}
	}
	return true
}

// text shapes lines and remembers them: a layout measures its names many times.
var text struct {
	sync.Mutex
	shaper   shaping.HarfbuzzShaper
	segments shaping.Segmenter
	system   fallback
	outlines map[glyphKey][]segment
	lines    map[lineKey]line
}

type lineKey struct {
	s    string
	bold bool
}

type glyphKey struct {
	face *font.Face
	id   font.GID
}

// Memory of the two caches: about 10 MB when full.
const (
	maxLines    = 8192
	maxOutlines = 16384
)

// shapeSize is the size at which lines are shaped; positions are 1/64 of it.
const shapeSize = 1024

// shape lays out a line.
func shape(s string, bold bool) line {
	if s == "" {
		return line{}
	}
	text.Lock()
	defer text.Unlock()
	key := lineKey{s, bold}
	if l, ok := text.lines[key]; ok {
		return l
	}
	l := shapeLine(s, bold)
	if text.lines == nil || len(text.lines) >= maxLines {
		text.lines = map[lineKey]line{}
	}
	if len(s) < 1000 {
		text.lines[key] = l
	}
	return l
}

// faces chooses the font of each character: the embedded one, a system font,
// or the embedded one again, whose missing glyph is drawn as a code.
type faces struct{ base *font.Face }

func (f faces) ResolveFace(r rune) *font.Face {
	if _, ok := f.base.NominalGlyph(r); ok {
		return f.base
	}
	if other := text.system.face(r); other != nil {
		return other
	}
	return f.base
}

func shapeLine(s string, bold bool) line {
	base := embedded()[0]
	if bold {
		base = embedded()[1]
	}
	runes := []rune(s)
	in := shaping.Input{Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR, Size: fixed.I(shapeSize)}
	if rightToLeft(runes) {
		in.Direction = di.DirectionRTL
	}
	runs := inOrder(text.segments.Split(in, faces{base}), in.Direction)
	const em = shapeSize * 64.0
	var out line
	for _, run := range runs {
		if run.Face == nil {
			run.Face = base
		}
		shaped := shapeRun(run)
		cluster, nth := -1, 0 // which missing glyph of a cluster
		for _, g := range shaped.Glyphs {
			placed := glyph{x: out.width + float64(g.XOffset)/em, y: -float64(g.YOffset) / em}
			adv := float64(g.Advance) / em
			if g.GlyphID == 0 {
				if nth++; g.TextIndex() != cluster {
					cluster, nth = g.TextIndex(), 0
				}
				placed.code = runes[min(max(cluster+nth, 0), len(runes)-1)]
				if unicode.IsMark(placed.code) {
					continue // a mark that no font has: its letter is enough
				}
				adv = 1
			} else {
				placed.outline = outlineOf(run.Face, g.GlyphID)
			}
			out.glyphs = append(out.glyphs, placed)
			out.width += adv
		}
	}
	return out
}

// shapeRun shapes one run; should a system font be so broken that the shaper
// fails, the run comes out empty.
func shapeRun(run shaping.Input) (out shaping.Output) {
	defer func() {
		if recover() != nil {
			out = shaping.Output{}
		}
	}()
	return text.shaper.ShapeNoExtents(run)
}

// rightToLeft says whether the first letter that has a direction runs to the
// left: rules P2 and P3 of the Unicode Bidirectional Algorithm.
func rightToLeft(runes []rune) bool {
	for _, r := range runes {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.L:
			return false
		case bidi.R, bidi.AL:
			return true
		}
	}
	return false
}

// inOrder puts runs into the order in which they stand on the line, from left
// to right: rule L2 of the Unicode Bidirectional Algorithm for the two levels
// that a name has.
func inOrder(runs []shaping.Input, dir di.Direction) []shaping.Input {
	out := append([]shaping.Input(nil), runs...)
	reverse := func(p []shaping.Input) {
		for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
			p[i], p[j] = p[j], p[i]
		}
	}
	for i := 0; i < len(out); {
		j := i + 1
		for j < len(out) && out[j].Direction == out[i].Direction {
			j++
		}
		if out[i].Direction != dir {
			reverse(out[i:j])
		}
		i = j
	}
	if dir == di.DirectionRTL {
		reverse(out)
	}
	return out
}

// outlineOf returns a glyph's outline in ems, y downwards; what has none (a
// space, a color bitmap) is empty.
func outlineOf(f *font.Face, id font.GID) []segment {
	key := glyphKey{f, id}
	if o, ok := text.outlines[key]; ok {
		return o
	}
	if text.outlines == nil || len(text.outlines) >= maxOutlines {
		text.outlines = map[glyphKey][]segment{}
	}
	o := readOutline(f, id)
	text.outlines[key] = o
	return o
}

func readOutline(f *font.Face, id font.GID) (out []segment) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	data, ok := f.GlyphDataOutline(id)
	if !ok {
		return nil
	}
	k := 1 / float64(f.Upem())
	for _, s := range data.Segments {
		seg := segment{op: segmentOp(s.Op)}
		for i, a := range s.ArgsSlice() {
			seg.args[i] = xy{float64(a.X) * k, -float64(a.Y) * k}
		}
		out = append(out, seg)
	}
	return out
}

// clean makes a name fit to be drawn on one line: composed characters (macOS
// gives file names decomposed), no control characters, no broken UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d':
			return r // joiners are part of words and emoji
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s)
}

// width returns the length of a line in points.
func (f fontSpec) width(s string) float64 { return shape(s, f.bold).width * f.size }
