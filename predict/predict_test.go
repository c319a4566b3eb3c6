package predict_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// pattern draws a picture that differs with k.
func pattern(w, h, k int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{uint8(x * (k + 1)), uint8(y*3 + 40*k), uint8((x ^ y) * k), 255})
		}
	}
	return m
}

func encode(t testing.TB, m image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	case "gif":
		err = gif.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures writes n pictures of two classes, different shapes and formats.
func pictures(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		name := fmt.Sprintf("%s_%02d.jpg", []string{"cat", "dog"}[i%2], i)
		b := encode(t, pattern(40+7*i, 90-3*i, i), []string{"jpeg", "png", "gif"}[i%3])
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// learner returns a learner with random weights on those pictures.
func learner(t testing.TB, dir string, pre preprocess.Config) *train.Learner {
	t.Helper()
	b := data.Block{
		Items: vision.ImageFiles, Label: data.RegexLabel(`(.+)_\d+.jpg$`), Split: data.RandomSplit(0.5, 42), BatchSize: 4,
	}
	var err error
	if b.ItemTransforms, b.BatchTransforms, err = vision.Transforms(pre, vision.AugTransforms{MinScale: 0.75}); err != nil {
		t.Fatal(err)
	}
	dls, err := b.DataLoaders(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := finetune.NewLearner(t.Context(), dls, models.SqueezeNet1_1, finetune.RandomWeights(), train.Seed(3))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func imagenet(presize, size int, method preprocess.ResizeMethod) preprocess.Config {
	return preprocess.Config{Presize: presize, Method: method, Size: size, Stats: preprocess.ImageNetStats}
}

// saved writes a learner's model as training does.
func saved(t testing.TB, l *train.Learner, pre preprocess.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := models.Save(path, l.Model, models.Info{Vocab: l.DLs.Vocab, Preprocess: pre}); err != nil {
		t.Fatal(err)
	}
	return path
}

// small returns a predictor with random weights for two classes.
func small(t testing.TB, o predict.Options) *predict.Predictor {
	t.Helper()
	c := models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(5))
	p, err := predict.New(c, models.Info{Vocab: []string{"cat", "dog"}, Preprocess: imagenet(64, 48, preprocess.Crop)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if d := math.Abs(float64(v - want[i])); !(d <= tol) {
			t.Fatalf("%s: value %d is %v, want %v (%g away, %g allowed)", what, i, v, want[i], d, tol)
		}
	}
}

// TestEqualsGetPreds saves models and compares what a Predictor says, loaded
// from the file alone, with the learner's own predictions for validation files.
func TestEqualsGetPreds(t *testing.T) {
	cases := map[string]preprocess.Config{
		"crop":   imagenet(64, 48, preprocess.Crop),
		"pad":    imagenet(64, 48, preprocess.Pad),
		"squish": imagenet(72, 56, preprocess.Squish),
		"shrunk far, other statistics": {Presize: 130, Method: preprocess.Crop, Size: 48,
			Stats: preprocess.Stats{Mean: [3]float32{0.4, 0.5, 0.6}, Std: [3]float32{0.3, 0.2, 0.1}}},
		"bicubic":    {Presize: 64, Size: 48, Interpolation: preprocess.Bicubic, Stats: preprocess.ImageNetStats},
		"crop share": {Presize: 64, Size: 48, Interpolation: preprocess.Bicubic, CropPct: 0.875, Stats: preprocess.ImageNetStats},
	}
	for name, pre := range cases {
		t.Run(name, func(t *testing.T) {
			l := learner(t, pictures(t, 14), pre)
			p, err := predict.Load(saved(t, l, pre), predict.Options{Batch: 3})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, l, p)
		})
	}
}

// TestView: what View shows, prepared, is what Prepare makes of the picture.
func TestView(t *testing.T) {
	for name, pre := range map[string]preprocess.Config{
		"crop":       imagenet(64, 48, preprocess.Crop),
		"pad":        imagenet(64, 48, preprocess.Pad),
		"one step":   imagenet(0, 48, preprocess.Crop),
		"crop share": {Presize: 64, Size: 48, CropPct: 0.8, Interpolation: preprocess.Bicubic, Stats: preprocess.ImageNetStats},
	} {
		p, err := predict.New(models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(5)), models.Info{Vocab: []string{"cat", "dog"}, Preprocess: pre}, predict.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := encode(t, pattern(90, 70, 1), "png")
		want, got := make([]float32, 48*48*3), make([]float32, 48*48*3)
		if err := p.Prepare(t.Context(), want, b); err != nil {
			t.Fatal(err)
		}
		view, err := p.View(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.PrepareView(got, view); err != nil {
			t.Fatal(err)
		}
		view.Free()
		near(t, name, got, want, 0)
		if err := p.PrepareView(got[1:], view); err == nil {
			t.Errorf("%s: too little room was accepted", name)
		}
	}
}

func compare(t *testing.T, l *train.Learner, p *predict.Predictor) {
	t.Helper()
	want, err := l.GetPreds(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, it := range l.DLs.Valid.Items() {
		files = append(files, it.Path)
	}
	i := 0
	err = p.Each(t.Context(), predict.Files(files), func(r predict.Result) error {
		if r.Err != nil || r.Name != files[i] {
			t.Fatalf("result %d: %s, %v; want %s", i, r.Name, r.Err, files[i])
		}
		near(t, r.Name, r.Probs, want.Probs.Data[i*len(p.Labels()):][:len(p.Labels())], 1e-5)
		i++
		return nil
	})
	if err != nil || i != len(files) {
		t.Fatalf("%d of %d results, %v", i, len(files), err)
	}
}

// TestEqualsGetPredsOnPets is the same on real photographs with real weights.
func TestEqualsGetPredsOnPets(t *testing.T) {
	archive := golden.Path(t, "data", "oxford-iiit-pet-3.tgz")
	t.Setenv("WHIPPET_HOME", t.TempDir())
	root, err := datasets.Untar(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	b := data.Block{
		Items: vision.ImageFiles, Label: data.RegexLabel(`(.+)_\d+.jpg$`), Split: data.RandomSplit(0.2, 42),
		ItemTransforms: vision.Resize(460), BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	dls, err := b.DataLoaders(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	l, err := finetune.NewLearner(t.Context(), dls, models.SqueezeNet1_1, finetune.WeightsFile(golden.Path(t, "weights", "squeezenet1_1-imagenet.pth")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := predict.Load(saved(t, l, imagenet(460, 224, preprocess.Crop)), predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, l, p)
}

// TestWaysIn gives one picture in every way; all answers agree to the bit.
func TestWaysIn(t *testing.T) {
	dir := pictures(t, 8)
	pre := imagenet(64, 48, preprocess.Crop)
	path := saved(t, learner(t, dir, pre), pre)
	file := filepath.Join(dir, "dog_01.jpg")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	model, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := predict.Load(path, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := predict.FromBytes(model, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	want, err := p.File(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]func() (predict.Prediction, error){
		"bytes":          func() (predict.Prediction, error) { return p.Bytes(ctx, b) },
		"reader":         func() (predict.Prediction, error) { return p.Picture(ctx, bytes.NewReader(b)) },
		"embedded model": func() (predict.Prediction, error) { return embedded.Bytes(ctx, b) },
		"decoded": func() (predict.Prediction, error) {
			img, err := vision.DecodeBytes(b, vision.DecodeOptions{})
			if err != nil {
				return predict.Prediction{}, err
			}
			return p.Image(ctx, img)
		},
	}
	for name, f := range ways {
		got, err := f()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name, got.Probs, want.Probs, 0)
	}
	var sum float64
	for _, v := range want.Probs {
		sum += float64(v)
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities add up to %v", sum)
	}
	top := want.Top(0)
	if len(top) != 2 || top[0].Label != want.Label() || top[0].Score != want.Score() || top[0].Score < top[1].Score {
		t.Errorf("Top is %+v for %v", top, want.Probs)
	}
	if got := want.Top(1); len(got) != 1 || got[0].Label != top[0].Label || got[0].Score != top[0].Score {
		t.Errorf("Top(1) is %+v", got)
	}
}

// TestConcurrentUse calls one predictor from many goroutines, in batches of
// several sizes: every answer is that of a single call.
func TestConcurrentUse(t *testing.T) {
	p := small(t, predict.Options{Batch: 4})
	var files [][]byte
	var want []predict.Prediction
	for k := range 6 {
		b := encode(t, pattern(70+k, 60, k), "jpeg")
		a, err := p.Bytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		files, want = append(files, b), append(want, a)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 6 {
				k := (g + i) % len(files)
				got, err := p.Bytes(context.Background(), files[k])
				if err != nil {
					t.Error(err)
					return
				}
				for c, v := range got.Probs {
					if math.Abs(float64(v-want[k].Probs[c])) > 1e-6 {
						t.Errorf("picture %d gave %v, alone %v", k, got.Probs, want[k].Probs)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestEachGoesOn has good and bad pictures mixed: order and names are kept, the
// bad ones have errors that name the file, and the rest is classified.
func TestEachGoesOn(t *testing.T) {
	p := small(t, predict.Options{Batch: 4, Decode: vision.DecodeOptions{MaxPixels: 100 * 100}})
	dir := pictures(t, 9)
	write := func(name string, b []byte) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	good := func(i int) string {
		return filepath.Join(dir, fmt.Sprintf("%s_%02d.jpg", []string{"cat", "dog"}[i%2], i))
	}
	whole := encode(t, pattern(50, 50, 1), "png")
	in := []struct{ path, wrong string }{
		{good(0), ""},
		{filepath.Join(dir, "missing.jpg"), "missing.jpg"},
		{write("cut.png", whole[:len(whole)/2]), "damaged"},
		{good(1), ""},
		{write("text.jpg", []byte("hello, this is no picture at all")), "not a picture"},
		{write("huge.png", encode(t, pattern(101, 100, 2), "png")), "limit"},
		{write("empty.jpg", nil), "empty"},
		{good(2), ""}, {good(3), ""}, {good(4), ""},
		{dir, "not a regular file"},
	}
	var paths []string
	for _, c := range in {
		paths = append(paths, c.path)
	}
	i := 0
	err := p.Each(t.Context(), predict.Files(paths), func(r predict.Result) error {
		c := in[i]
		i++
		if r.Name != c.path {
			t.Errorf("result %d is for %s, want %s", i, r.Name, c.path)
		}
		switch {
		case c.wrong == "" && (r.Err != nil || len(r.Probs) != 2):
			t.Errorf("%s: %v", r.Name, r.Err)
		case c.wrong != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.wrong) || !strings.Contains(r.Err.Error(), filepath.Base(c.path))):
			t.Errorf("%s: error %v; want one with the name and %q", r.Name, r.Err, c.wrong)
		}
		return nil
	})
	if err != nil || i != len(in) {
		t.Fatalf("%d of %d results, %v", i, len(in), err)
	}
}

// TestEachStops checks that Each ends with its context, with the caller's error,
// and without goroutines left behind, with which a bubble of synctest fails.
func TestEachStops(t *testing.T) {
	p := small(t, predict.Options{Batch: 2})
	b := encode(t, pattern(50, 50, 1), "png")
	defer parallel.SetThreads(parallel.SetThreads(1)) // the workers of loops stay, and a bubble shares nothing with them
	synctest.Test(t, func(t *testing.T) { eachStops(t, p, b) })
}

func eachStops(t *testing.T, p *predict.Predictor, b []byte) {
	endless := func(yield func(predict.Input) bool) {
		for yield(predict.Input{Name: "x", Data: b}) {
		}
	}
	mine := errors.New("enough")
	n := 0
	if err := p.Each(context.Background(), endless, func(predict.Result) error {
		if n++; n == 5 {
			return mine
		}
		return nil
	}); err != mine || n != 5 {
		t.Errorf("%d results, %v; want 5 and the callback's error", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := p.Each(ctx, endless, func(predict.Result) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled Each returned %v", err)
	}
}

func TestMistakes(t *testing.T) {
	c := models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(5))
	vocab := []string{"cat", "dog"}
	for name, tc := range map[string]struct {
		info models.Info
		o    predict.Options
		want string
	}{
		"names and classes": {models.Info{Vocab: vocab[:1], Preprocess: imagenet(64, 48, preprocess.Crop)}, predict.Options{}, "1 names for 2 classes"},
		"method":            {models.Info{Vocab: vocab, Preprocess: imagenet(64, 48, 7)}, predict.Options{}, "ResizeMethod(7)"},
		"input size":        {models.Info{Vocab: vocab, Preprocess: imagenet(64, 16384, preprocess.Crop)}, predict.Options{}, "the limit is 2048"},
		"first size":        {models.Info{Vocab: vocab, Preprocess: imagenet(16384, 64, preprocess.Crop)}, predict.Options{}, "the limit is 2048"},
		"batch":             {models.Info{Vocab: vocab, Preprocess: imagenet(64, 48, preprocess.Crop)}, predict.Options{Batch: -1}, "Options.Batch is -1"},
		"runs":              {models.Info{Vocab: vocab, Preprocess: imagenet(64, 48, preprocess.Crop)}, predict.Options{Runs: 1000}, "Options.Runs"},
	} {
		if _, err := predict.New(c, tc.info, tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
	p := small(t, predict.Options{})
	if _, err := p.Probs(t.Context(), tensor.New(1, 47, 48, 3)); err == nil || !strings.Contains(err.Error(), "[N,48,48,3]") {
		t.Errorf("a wrong shape gave %v", err)
	}
	if _, err := p.Inputs(t.Context(), make([]float32, 100)); err == nil {
		t.Error("100 values were taken for a picture")
	}
	broken := tensor.New(1, 48, 48, 3)
	broken.Data[7] = float32(math.NaN())
	if _, err := p.Probs(t.Context(), broken); !errors.Is(err, predict.ErrNotFinite) {
		t.Errorf("NaN in gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Bytes(ctx, encode(t, pattern(50, 50, 1), "png")); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context gave %v", err)
	}
}

// TestMemoryDoesNotGrow checks that, after warm-up, neither the heap nor the
// allocation per call grows with the number of calls.
func TestMemoryDoesNotGrow(t *testing.T) {
	p := small(t, predict.Options{})
	b := encode(t, pattern(300, 200, 1), "jpeg")
	calls := func(n int) (perCall float64, live uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			if _, err := p.Bytes(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		perCall = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
		runtime.GC()
		runtime.ReadMemStats(&after)
		return perCall, after.HeapAlloc
	}
	calls(20)
	_, first := calls(20)
	per, last := calls(100)
	if last > first+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes in 100 calls", first, last)
	}
	// Small values, no buffer of the network or the decoder, no picture. The race
	// detector makes sync.Pool forget buffers at random.
	if per > 64_000 && !raceDetector {
		t.Errorf("%.0f bytes allocated per call after warm-up", per)
	}
}

// BenchmarkPets classifies real photographs from memory, as a service does.
func BenchmarkPets(b *testing.B) {
	b.Setenv("WHIPPET_HOME", b.TempDir())
	root, err := datasets.Untar(b.Context(), golden.Path(b, "data", "oxford-iiit-pet-3.tgz"))
	if err != nil {
		b.Fatal(err)
	}
	items, err := vision.ImageFiles.List(b.Context(), root)
	if err != nil {
		b.Fatal(err)
	}
	var in []predict.Input
	for _, it := range items[:128] {
		f, err := os.ReadFile(it.Path)
		if err != nil {
			b.Fatal(err)
		}
		in = append(in, predict.Input{Name: it.Path, Data: f})
	}
	c := models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(5))
	p, err := predict.New(c, models.Info{Vocab: []string{"cat", "dog"}, Preprocess: imagenet(460, 224, preprocess.Crop)}, predict.Options{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		err := p.Each(b.Context(), func(yield func(predict.Input) bool) {
			for _, i := range in {
				if !yield(i) {
					return
				}
			}
		}, func(r predict.Result) error { n++; return r.Err })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}
