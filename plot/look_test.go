package plot

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/internal/rng"
)

// look saves figures to the folder WHIPPET_PLOTS, for looking at them.
func look(t *testing.T, name string, f *Figure) {
	t.Helper()
	dir := os.Getenv("WHIPPET_PLOTS")
	if dir == "" {
		return
	}
	for _, ext := range []string{".png", ".svg"} {
		if err := f.Save(filepath.Join(dir, name+ext)); err != nil {
			t.Error(err)
		}
	}
}

// classNames makes n names; kinds: "short", "long", "scripts".
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

func TestLookConfusion(t *testing.T) {
	for _, c := range []struct {
		n    int
		kind string
		norm bool
		size Size
	}{
		{3, "short", false, Size{}}, {37, "short", false, Size{}}, {37, "short", true, Size{}}, {200, "short", false, Size{}},
		{3, "long", true, Size{}}, {37, "long", false, Size{}}, {200, "long", true, Size{}},
		{12, "scripts", false, Size{}}, {37, "scripts", false, Size{}}, {2, "short", true, Size{}},
		{37, "short", false, Size{12, 12, 60}}, {37, "short", false, Size{5, 5, 100}}, {3, "short", false, Size{3, 3, 100}}, {10, "short", false, Size{}},
	} {
		f, err := ConfusionMatrix(classNames(c.n, c.kind), counts(c.n, 200), ConfusionOptions{Normalize: c.norm, Size: c.size})
		if err != nil {
			t.Fatal(err)
		}
		look(t, fmt.Sprintf("confusion_%d_%s_%v_%v", c.n, c.kind, c.norm, c.size.Width), f)
	}
}
