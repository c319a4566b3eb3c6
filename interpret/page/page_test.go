package page_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/interpret/gradcam"
	"github.com/whippet-ml/whippet/interpret/page"
	"github.com/whippet-ml/whippet/rng"
)

// names are class names that are hard to lay out or to escape.
var names = []string{"Abyssinian", "日本のボブテイル", "</script><script>alert(1)</script>", "a & b \"quoted\" 'name'",
	"Русская голубая", "القط الماو", "the_class_with_the_very_long_name_that_does_not_fit_anywhere_at_all"}

func className(c int) string {
	if c < len(names) {
		return names[c]
	}
	return fmt.Sprintf("breed %03d", c)
}

// picture draws a gradient with a block, different for each path.
func picture(path string) (image.Image, error) {
	if strings.Contains(path, "gone") {
		return nil, errors.New("the file is gone")
	}
	m := image.NewRGBA(image.Rect(0, 0, 240, 180))
	s := 0
	for _, r := range path {
		s = s*31 + int(r)
	}
	for y := range 180 {
		for x := range 240 {
			m.SetRGBA(x, y, color.RGBA{uint8(x + s), uint8(y + s/7), uint8((x*y)/200 + s/13), 255})
		}
	}
	return m, nil
}

// input has n pictures of each of c classes; one in five is wrong.
func input(t testing.TB, classes, n int) page.Input {
	t.Helper()
	r := rng.New(3)
	var vocab, paths []string
	for c := range classes {
		vocab = append(vocab, className(c))
	}
	var actual []int
	var probs [][]float32
	for c := range classes {
		for i := range n {
			row := make([]float32, classes)
			said := c
			if i%5 == 4 {
				said = (c + 1 + r.IntN(min(classes-1, 3))) % classes
			}
			sure := float32(0.5 + 0.49*r.Float64())
			for k := range row {
				row[k] = (1 - sure) / float32(classes-1)
			}
			row[said] = sure
			actual, probs = append(actual, c), append(probs, row)
			paths = append(paths, filepath.Join("root", "images", fmt.Sprintf("%d_%d.jpg", c, i)))
		}
	}
	table, err := interpret.NewTable(vocab, paths, actual, probs, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := page.Input{Table: table, Open: picture, Root: "root", Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Facts: [][2]string{{"network", "resnet34"}, {"data", "drawn"}}}
	for i := range 4 {
		in.History = append(in.History, page.Epoch{Epoch: i, Values: map[string]float64{"train_loss": 1 / float64(i+1), "valid_loss": 1.2 / float64(i+1), "error_rate": 0.3 / float64(i+1)}})
	}
	for _, e := range table.TopLosses(6) {
		seen, _ := picture(e.Path)
		heat, _ := picture("heat of " + e.Path)
		in.Looked = append(in.Looked, interpret.Looked{Seen: seen, Heat: heat, Map: gradcam.Map{H: 1, W: 1, Heat: []float32{1}}})
	}
	return in
}

type content struct {
	Classes []string `json:"classes"`
	Cells   [][3]int `json:"cells"`
	Rows    []struct {
		Path string `json:"path"`
		A, P int
		Pic  int `json:"pic"`
	} `json:"rows"`
	Pictures []string            `json:"pictures"`
	Looked   []map[string]string `json:"looked"`
}

// parse checks that the page is well formed and returns its data, its text and
// the addresses it refers to.
func parse(t *testing.T, b []byte) (c content, text string, refs []string) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var words strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "href" {
				refs = append(refs, a.Val)
			}
			if n.Data == "script" && a.Key == "type" && a.Val == "application/json" {
				if err := json.Unmarshal([]byte(n.FirstChild.Data), &c); err != nil {
					t.Fatalf("the page's data: %v", err)
				}
			}
		}
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			words.WriteString(n.Data + " ")
		}
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			walk(k)
		}
	}
	walk(doc)
	return c, strings.Join(strings.Fields(words.String()), " "), refs
}

func TestWrite(t *testing.T) {
	for name, tc := range map[string]struct{ classes, each, maxBytes int }{
		"2 classes":                {2, 40, 15e6},
		"37 classes, as the Pets":  {37, 40, 15e6},
		"200 classes with 50 each": {200, 50, 15e6},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.classes > 100 {
				slow.Test(t)
			}
			in := input(t, tc.classes, tc.each)
			var b bytes.Buffer
			if err := page.Write(t.Context(), &b, in, page.Options{}); err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("WHIPPET_PAGES"); dir != "" { // for looking, and for the browser's test
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("report-%d.html", tc.classes)), b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if b.Len() > tc.maxBytes {
				t.Errorf("the page has %d bytes, want at most %d", b.Len(), tc.maxBytes)
			}
			c, text, refs := parse(t, b.Bytes())
			for _, r := range refs {
				if !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "#") {
					t.Errorf("the page refers to %.80s", r)
				}
			}
			if strings.Join(c.Classes, "|") != strings.Join(in.Table.Vocab, "|") {
				t.Errorf("classes are %q", c.Classes)
			}
			total := 0
			for _, cell := range c.Cells {
				total += cell[2]
			}
			if total != in.Table.Len() {
				t.Errorf("cells count %d pictures, the table has %d", total, in.Table.Len())
			}
			wrong := fmt.Sprintf("%d of %d pictures are classified wrongly, in %d classes.", in.Table.Len()/5, in.Table.Len(), tc.classes)
			for _, want := range append([]string{wrong, "taken for", "Top losses", "The numbers of every epoch"}, in.Table.Vocab...) {
				if !strings.Contains(text, want) {
					t.Errorf("the text lacks %q", want)
				}
			}
			used := map[int]bool{}
			for _, r := range c.Rows {
				if strings.HasPrefix(r.Path, "root") || strings.Contains(r.Path, `\`) {
					t.Fatalf("path %s is not below the root", r.Path)
				}
				if r.Pic >= len(c.Pictures) || r.Pic >= 0 && used[r.Pic] {
					t.Fatalf("picture %d of %d is missing or shown for two examples", r.Pic, len(c.Pictures))
				}
				used[r.Pic] = true
			}
			raw, err := base64.StdEncoding.DecodeString(c.Pictures[0])
			if err != nil {
				t.Fatal(err)
			}
			if m, err := jpeg.Decode(bytes.NewReader(raw)); err != nil || m.Bounds() != image.Rect(0, 0, 144, 108) {
				t.Errorf("the first picture: %v", err)
			}
			if len(c.Looked) != 6 {
				t.Errorf("%d Grad-CAM pictures, want 6", len(c.Looked))
			}
		})
	}
}

// TestBounds checks that a page never has more pictures than it may.
func TestBounds(t *testing.T) {
	in := input(t, 5, 50)
	for name, tc := range map[string]struct {
		o    page.Options
		most int
	}{
		"number": {page.Options{MaxPictures: 7}, 7},
		"bytes":  {page.Options{MaxBytes: 20_000}, 12},
		"top":    {page.Options{TopLosses: 1, Pairs: 1, MaxPictures: 9}, 9},
	} {
		var b bytes.Buffer
		if err := page.Write(t.Context(), &b, in, tc.o); err != nil {
			t.Fatal(err)
		}
		c, _, _ := parse(t, b.Bytes())
		if n := len(c.Pictures); n == 0 || n > tc.most {
			t.Errorf("%s: %d pictures, want 1 to %d", name, n, tc.most)
		}
	}
}

// TestLostPictures leaves out what cannot be read again and says so.
func TestLostPictures(t *testing.T) {
	in := input(t, 2, 10)
	for i := range in.Table.Rows {
		in.Table.Rows[i].Path += ".gone"
	}
	in.Looked = nil
	var b bytes.Buffer
	if err := page.Write(t.Context(), &b, in, page.Options{}); err != nil {
		t.Fatal(err)
	}
	c, text, _ := parse(t, b.Bytes())
	if len(c.Pictures) != 0 || !regexp.MustCompile(`\d+ pictures could not be read again`).MatchString(text) {
		t.Errorf("%d pictures; the text does not say that some are missing", len(c.Pictures))
	}
}

// TestPerfectModel has no mistakes at all.
func TestPerfectModel(t *testing.T) {
	in := input(t, 3, 4)
	in.History, in.Looked, in.Facts = nil, nil, nil
	var b bytes.Buffer
	if err := page.Write(t.Context(), &b, in, page.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, text, _ := parse(t, b.Bytes()); !strings.Contains(text, "No class was taken for another.") {
		t.Error("the page does not say that nothing was confused")
	}
}

func TestMistakes(t *testing.T) {
	good := input(t, 2, 5)
	several := *good.Table
	several.Rows = slices.Clone(several.Rows)
	several.Rows[3].Actual = interpret.NoClass
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		in   page.Input
		o    page.Options
		want string
	}{
		"no table":       {t.Context(), page.Input{Open: picture}, page.Options{}, "no predictions"},
		"several labels": {t.Context(), page.Input{Table: &several, Open: picture}, page.Options{}, "row 3"},
		"no opener":      {t.Context(), page.Input{Table: good.Table}, page.Options{}, "Input.Open"},
		"option":         {t.Context(), good, page.Options{Thumb: 3}, "Options.Thumb is 3"},
		"canceled":       {ended, good, page.Options{}, "canceled"},
	} {
		if err := page.Write(tc.ctx, &bytes.Buffer{}, tc.in, tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}

func TestReadHistory(t *testing.T) {
	h, err := page.ReadHistory([]byte(`{"config":{"lr":"2e-3"},"history":[{"epoch":0,"phase":0,"train_loss":1.5},{"epoch":0,"phase":1,"train_loss":1,"error_rate":0.25,"note":"x"}]}`))
	if err != nil || len(h) != 2 || h[1].Phase != 1 || h[1].Values["error_rate"] != 0.25 || len(h[1].Values) != 2 {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := page.ReadHistory(nil); h != nil || err != nil {
		t.Errorf("nothing gave %v, %v", h, err)
	}
	if _, err := page.ReadHistory([]byte(`[1]`)); err == nil {
		t.Error("a list was taken for notes on training")
	}
}

func FuzzReadHistory(f *testing.F) {
	f.Add([]byte(`{"history":[{"epoch":0,"train_loss":1e308}]}`))
	f.Add([]byte(`{"history":null}`))
	in := input(f, 2, 2)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := page.ReadHistory(b)
		if err != nil || len(h) > 50 {
			return
		}
		in.History = h
		if err := page.Write(t.Context(), &bytes.Buffer{}, in, page.Options{MaxPictures: 1}); err != nil {
			t.Fatalf("a history that was read does not fit into a page: %v", err)
		}
	})
}

// TestTrustOnPage: sets of classes and strangeness have their sections where the model has them.
func TestTrustOnPage(t *testing.T) {
	in := input(t, 3, 10)
	in.Conformal = &confidence.Conformal{Coverage: 0.9, Least: 0.3}
	in.Table.Strangeness = make([]float64, in.Table.Len())
	for i := range in.Table.Strangeness {
		in.Table.Strangeness[i] = float64(1 + i)
	}
	strange, err := in.Table.Strange(confidence.Strangeness{Limit: 27.5, Quantile: 0.9}, 20)
	if err != nil {
		t.Fatal(err)
	}
	in.Strange = &strange
	var b bytes.Buffer
	if err := page.Write(context.Background(), &b, in, page.Options{MaxPictures: 12}); err != nil {
		t.Fatal(err)
	}
	_, text, _ := parse(t, b.Bytes())
	for _, want := range []string{"which is to have the right one for 90.0 % of pictures", "so it is for 3 of these 30 pictures", "The strangest pictures", "images/2_9.jpg"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	strangeness := b.String()[strings.Index(b.String(), `id="strangeness"`):]
	if got := strings.Count(strangeness, "<img data-pic="); got != 12 {
		t.Errorf("%d of the 12 strangest pictures are shown", got)
	}
}
