package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/rng"
)

func sq(v float64) float64 { return v * v }

// warm is a 7×7 heat map with one hot place.
func warm() []float32 {
	heat := make([]float32, 49)
	for k := range heat {
		heat[k] = float32(math.Exp(-(sq(float64(k/7)-2.5) + sq(float64(k%7)-3.3)) / 4))
	}
	return heat
}

func TestGridOfTopLosses(t *testing.T) {
	names := drawn.Breeds.Classes()
	r := rng.New(1)
	var cells []Cell
	for i := range 9 {
		img, err := drawn.Breeds.Draw(1, i, i, 224)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			if img, err = Overlay(img, warm(), 7, 7, OverlayOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		p := r.Float64()
		cells = append(cells, TopLoss(img, names[(i+i%3)%10], names[i], -math.Log(p), 1-p/2, p/2))
	}
	cells[4].Title = classNames(1, "long")[0]
	cells[5].Title = "柴犬 と ボーダー・コリー"
	cells[6].Image = image.NewRGBA(image.Rect(0, 0, 300, 120))
	cells[7].Image = nil
	f, err := Grid(cells, GridOptions{Title: "Top losses"})
	check(t, "top losses", f, err)
	for _, n := range []int{1, 2, 5, 40} {
		many := make([]Cell, n)
		for i := range many {
			many[i] = cells[i%9]
		}
		f, err := Grid(many, GridOptions{Cell: 70})
		check(t, fmt.Sprintf("grid of %d", n), f, err)
	}
}

func TestGridRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells int
		o     GridOptions
		want  string
	}{
		{"none", 0, GridOptions{}, "0 pictures"},
		{"too many", MaxCells + 1, GridOptions{}, "2501 pictures"},
		{"columns", 1, GridOptions{Columns: -2}, "-2 columns"},
		{"cell", 1, GridOptions{Cell: math.NaN()}, "NaN points"},
	} {
		f, err := Grid(make([]Cell, c.cells), c.o)
		refused(t, c.name, f, err, c.want)
	}
}

func TestProbabilityIsNotRoundedAway(t *testing.T) {
	for p, want := range map[float64]string{0: "0.000", 1: "1.000", 0.5: "0.500", 1e-9: "<0.001", 0.99999: ">0.999"} {
		if got := probability(p); got != want {
			t.Errorf("probability(%v) is %q, want %q", p, got, want)
		}
	}
}

func TestReliability(t *testing.T) {
	r := rng.New(2)
	var bins []ReliabilityBin
	for i := range 15 {
		lo, hi := float64(i)/15, float64(i+1)/15
		n := int(math.Exp(float64(i)/2.6)) * min(i/3, 1)
		acc := min(1, max(0, (lo+hi)/2-0.06+0.09*r.Normal()))
		bins = append(bins, ReliabilityBin{lo, hi, n, (lo + hi) / 2, acc})
	}
	f, err := Reliability(bins, ReliabilityOptions{ECE: 0.0812})
	check(t, "reliability", f, err)
	f, err = Reliability(make([]ReliabilityBin, 3), ReliabilityOptions{ECE: -1, Title: "empty"})
	check(t, "reliability of nothing", f, err)
	f, err = Reliability(nil, ReliabilityOptions{})
	refused(t, "no bins", f, err, "at least one bin")
	f, err = Reliability([]ReliabilityBin{{Accuracy: 2}}, ReliabilityOptions{})
	refused(t, "accuracy", f, err, "bin 0")
	f, err = Reliability([]ReliabilityBin{{Count: -1}}, ReliabilityOptions{})
	refused(t, "count", f, err, "count -1")
}

func TestOverlay(t *testing.T) {
	grey := image.NewRGBA(image.Rect(5, 5, 105, 85))
	for i := range grey.Pix {
		grey.Pix[i] = 128
		if i%4 == 3 {
			grey.Pix[i] = 255
		}
	}
	out, err := Overlay(grey, []float32{0, 1}, 1, 2, OverlayOptions{Alpha: 1})
	if err != nil {
		t.Fatal(err)
	}
	if out.Rect != image.Rect(0, 0, 100, 80) {
		t.Fatalf("bounds are %v, want the picture's size from (0,0)", out.Rect)
	}
	if got, want := out.RGBAAt(99, 40), HeatColor(1); got != want {
		t.Errorf("hottest is %v, want %v", got, want)
	}
	mix := func(k uint8) uint8 { return uint8(128*0.85 + float64(k)*0.15 + 0.5) }
	k := HeatColor(0)
	if got, want := out.RGBAAt(0, 0), (color.RGBA{mix(k.R), mix(k.G), mix(k.B), 255}); got != want {
		t.Errorf("coldest is %v, want the picture a little faded, %v", got, want)
	}
	for x := 1; x < 100; x++ { // bilinear: warmer to the right, with no step
		a, b := out.RGBAAt(x-1, 10), out.RGBAAt(x, 10)
		if d := math.Abs(luminance(a) - luminance(b)); d > 0.06 {
			t.Errorf("step of %.2f between columns %d and %d", d, x-1, x)
		}
	}
	if _, err := Overlay(grey, make([]float32, 49), 7, 7, OverlayOptions{}); err != nil {
		t.Errorf("a map without heat: %v", err)
	}
}

func TestOverlayRefuses(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 4, 4))
	nan := float32(math.NaN())
	for _, c := range []struct {
		name string
		img  image.Image
		heat []float32
		h, w int
		o    OverlayOptions
	}{
		{"no picture", nil, []float32{1}, 1, 1, OverlayOptions{}},
		{"empty picture", image.NewRGBA(image.Rectangle{}), []float32{1}, 1, 1, OverlayOptions{}},
		{"length", img, []float32{1, 2, 3}, 2, 2, OverlayOptions{}},
		{"no rows", img, nil, 0, 3, OverlayOptions{}},
		{"negative", img, nil, -1, -1, OverlayOptions{}},
		{"NaN", img, []float32{nan}, 1, 1, OverlayOptions{}},
		{"alpha", img, []float32{1}, 1, 1, OverlayOptions{Alpha: 2}},
		{"range", img, []float32{1}, 1, 1, OverlayOptions{Lo: 2, Hi: 1}},
	} {
		if out, err := Overlay(c.img, c.heat, c.h, c.w, c.o); err == nil || out != nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func TestHeatColorRisesInLightness(t *testing.T) {
	last := -1.0
	for i := range 256 {
		l := luminance(HeatColor(float64(i) / 255))
		if l < last-0.003 { // 8-bit rounding of one channel
			t.Errorf("at %d the colour is darker than before: %.4f after %.4f", i, l, last)
		}
		last = l
	}
	if HeatColor(math.NaN()) != HeatColor(0) || HeatColor(-3) != HeatColor(0) || HeatColor(7) != HeatColor(1) {
		t.Error("values outside 0..1 must take the nearer end")
	}
}

func TestOklabAgainstKnownColors(t *testing.T) {
	// Oklab coordinates of sRGB primaries, as published with the space.
	for _, c := range []struct {
		name string
		k    oklab
		want color.RGBA
	}{
		{"white", oklab{1, 0, 0}, color.RGBA{255, 255, 255, 255}},
		{"black", oklab{0, 0, 0}, color.RGBA{0, 0, 0, 255}},
		{"red", oklab{0.62796, 0.22486, 0.12585}, color.RGBA{255, 0, 0, 255}},
		{"blue", oklab{0.45201, -0.03246, -0.31153}, color.RGBA{0, 0, 255, 255}},
	} {
		got := c.k.rgba()
		for _, d := range []int{int(got.R) - int(c.want.R), int(got.G) - int(c.want.G), int(got.B) - int(c.want.B)} {
			if d < -2 || d > 2 {
				t.Errorf("%s is %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}
