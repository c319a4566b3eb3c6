package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// check is what every figure must pass: all text lies inside it, it is valid
// and self-contained XML as SVG, and a picture of the announced size as PNG.
// With WHIPPET_PLOTS set to a folder both are saved there, for looking at.
func check(t *testing.T, name string, f *Figure, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	inside(t, name, f)
	var svg bytes.Buffer
	if err := f.WriteSVG(&svg); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	wellFormed(t, name, svg.Bytes())
	img, err := f.Image()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if w, h := f.Size(); img.Rect.Dx() != w || img.Rect.Dy() != h {
		t.Errorf("%s: picture is %v, want %d×%d", name, img.Rect, w, h)
	}
	if dir := os.Getenv("WHIPPET_PLOTS"); dir != "" {
		for _, ext := range []string{".png", ".svg"} {
			if err := f.Save(filepath.Join(dir, strings.ReplaceAll(name, " ", "_")+ext)); err != nil {
				t.Error(err)
			}
		}
	}
}

// inside finds text and shapes that leave the paper.
func inside(t *testing.T, name string, f *Figure) {
	t.Helper()
	const slack = 1.5 // points: round ends of letters, widths of lines
	for _, o := range f.ops {
		pts := o.pts
		if o.kind == opText {
			w := o.font.width(o.text)
			sin, cos := math.Sincos(o.turn * math.Pi / 180)
			x0, x1 := -w*o.anchor, w*(1-o.anchor)
			pts = []xy{{o.pts[0].x + x0*cos, o.pts[0].y + x0*sin}, {o.pts[0].x + x1*cos, o.pts[0].y + x1*sin}}
		}
		for _, p := range pts {
			if !(p.x >= -slack && p.y >= -slack && p.x <= f.width+slack && p.y <= f.height+slack) {
				t.Errorf("%s: %q at (%.1f, %.1f) leaves the figure of %.1f×%.1f points", name, o.text, p.x, p.y, f.width, f.height)
				return
			}
		}
	}
}

func wellFormed(t testing.TB, name string, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: the SVG is not XML: %v", name, err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "data:") {
					t.Errorf("%s: the SVG refers to %q; it must stand alone", name, a.Value)
				}
				if len(a.Value) < 100 && (strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf")) {
					t.Errorf("%s: <%s> has %s=%q", name, e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

// refused demands an error that says what is wrong.
func refused(t *testing.T, name string, f *Figure, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error is %v, want one with %q", name, err, want)
	}
	if f != nil {
		t.Errorf("%s: a figure came with the error", name)
	}
}

// classNames makes n names of a kind: "short", "long" or "scripts".
func classNames(n int, kind string) []string {
	scripts := []string{"柴犬", "ボーダー・コリー", "시베리아 허스키", "Кавказская овчарка", "Λαγωνικός", "Élevage_çà_ñandú", "संस्कृत", "كلب", "כלב", "ไทย", "🐕 emoji", "Ärzte_Größe"}
	out := make([]string, n)
	for i := range out {
		switch kind {
		case "long":
			out[i] = fmt.Sprintf("German_wirehaired_pointing_griffon_of_the_northern_valley_variety_%03d", i)
		case "scripts":
			out[i] = scripts[i%len(scripts)]
			if i >= len(scripts) {
				out[i] += fmt.Sprint(i)
			}
		default:
			out[i] = fmt.Sprintf("%s_%s", []string{"Abyssinian", "Bengal", "beagle", "great_pyrenees", "staffordshire_bull", "pug"}[i%6], []string{"cat", "dog", "terrier"}[i%3])
		}
	}
	return out
}

// counts makes a matrix with most on the diagonal and mistakes near it.
func counts(n, per int) [][]int {
	r := rng.New(uint64(n))
	out := make([][]int, n)
	for i := range out {
		out[i] = make([]int, n)
		for range per/2 + r.IntN(per) {
			j := i
			if r.Bool(0.15) {
				j = (i + 1 + int(float64(n)*r.Float64()*r.Float64()*r.Float64())) % n
			}
			out[i][j]++
		}
	}
	return out
}
