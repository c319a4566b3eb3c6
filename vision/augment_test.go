package vision

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// goldenDraws reads the fixed draws of 08_aug.json: six pictures.
// TestCoordinatesEqualFastai compares the matrices, the warp's coefficients and
// every coordinate of the sampling grid. fastai computes in float32: 2e-6 is a
// few of its roundings at coordinates around 1.
// TestSamplingEqualsFastai feeds fastai's pictures and draws through the float
// sampler, all moves at once and one at a time. Samples are in [0,1]; where a
// coordinate that is off by 1e-6 meets a border the value moves by about as
// much, so 1e-5.
// TestDihedralEqualsFastai finds the symmetry that gave each stored picture:
// fastai was asked for its first six in order.
func maxDiff(a, b []float32) float64 {
	worst := 0.0
	for i, v := range a {
		d := math.Abs(float64(v) - float64(b[i]))
		if !(d <= worst) {
			worst = d
		}
	}
	return worst
}

// TestLightingTable bounds the table against the formula over all strengths.
func TestLightingTable(t *testing.T) {
	c := new(pixel.ToneCurve)
	worst := 0.0
	for _, b := range []float64{0.4, 0.45, 0.5, 0.6} {
		for _, k := range []float64{0.8, 0.9, 1, 1.25} {
			tabulate(c, b, k)
			for i := range 100001 {
				x := float64(i) / 100000
				v := []float32{float32(255 * x), 0, 0}
				c.Apply(v, [3]float32{1, 1, 1}, [3]float32{})
				worst = max(worst, math.Abs(float64(v[0])-light(x, b/(1-b), k)))
			}
		}
	}
	t.Logf("largest difference %.4f gray levels", 255*worst)
	if worst > 0.02/255 {
		t.Errorf("table differs from the formula by %.4f gray levels, want at most 0.02", 255*worst)
	}
}

// TestMeanCrop compares the formula with the mean of the draws.
func TestMeanCrop(t *testing.T) {
	for _, scale := range []float64{0, 1, 0.75, 0.5, 0.08} {
		a := AugTransforms{Size: 2000, MinScale: scale}
		sum, r := 0.0, rng.New(1)
		const draws = 4000
		for range draws {
			d := a.Draw(1, 2000, 2000, true, r)
			sum += math.Sqrt(float64(d.Crop.Height)*float64(d.Crop.Width)) / 2000
		}
		if got := a.MeanCrop(); math.Abs(got-sum/draws) > 0.012 {
			t.Errorf("MinScale %v: MeanCrop is %.4f, crops had %.4f on average", scale, got, sum/draws)
		}
	}
}

// images makes pictures of a [N,3,h,w] array.
// TestPipelineEqualsFastai feeds whole batches through, with fastai's draws and
// crops, to the network's input. Values are normalized: 255 gray levels are
// 4.4. The bound is a tenth of a gray level; the mean difference is far below.
// TestDrawsDistribution compares quantiles of many draws with those of 100 000
// draws of fastai's.
func TestAugSameForAnyThreads(t *testing.T) {
	imgs := []*data.Image{noise(61, 61, 1), noise(61, 61, 2), noise(61, 61, 3)}
	for _, aug := range []AugTransforms{{}, {Size: 24}, {Size: 24, MinScale: 0.5, FlipVert: true}} {
		var first []float32
		for threads := 1; threads <= 4; threads++ {
			old := parallel.SetThreads(threads)
			h, w := aug.OutSize(61, 61)
			dst := tensor.New(3, h, w, 3)
			err := aug.Apply(dst, imgs, true, rng.New(3))
			parallel.SetThreads(old)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = dst.Data
			} else if maxDiff(first, dst.Data) != 0 {
				t.Errorf("%s: %d threads give other bits than 1", aug, threads)
			}
		}
	}
}

// TestPackedNearFloat bounds what the 13-bit weights cost, and checks that the
// assembly gives the bits of plain Go.
func TestPackedNearFloat(t *testing.T) {
	img := noise(40, 30, 9)
	packed := make([]uint64, 40*30)
	pack(packed, img.Pix)
	src := make([]float32, len(img.Pix))
	toFloat(src, img.Pix)
	r := rng.New(1)
	worst := 0.0
	for range 200 {
		p := AugTransforms{MaxRotate: 180, MaxWarp: 0.5, MaxZoom: 2, FlipVert: true}.Draw(1, 30, 40, true, r).Pictures[0]
		m := p.normalized(30, 40).toPixels(30, 40, 30, 40)
		for _, mode := range []preprocess.PadMode{preprocess.Reflection, preprocess.Border, preprocess.Zeros} {
			var a, b [3 * 40]float32
			for y := range 30 {
				sampleBytes(a[:], img.Pix, packed, 30, 40, m.row(0, float64(y)), mode)
				sampleFloat(b[:], src, 30, 40, m.row(0, float64(y)), mode)
				worst = max(worst, maxDiff(a[:], b[:]))
				sampleBytes(b[:], img.Pix, nil, 30, 40, m.row(0, float64(y)), mode)
				if a != b {
					t.Fatalf("row %d, %s: packed and unpacked sampling differ", y, mode)
				}
			}
		}
	}
	t.Logf("largest difference on noise %.4f gray levels", worst)
	if worst > 0.06 {
		t.Errorf("packed and float sampling differ by %.4f gray levels, want at most 0.06", worst)
	}
}

func TestAugRefuses(t *testing.T) {
	imgs := []*data.Image{noise(8, 8, 1), noise(8, 8, 2)}
	for _, c := range []struct {
		name string
		aug  AugTransforms
		imgs []*data.Image
		dst  []int
		want string
	}{
		{"shape", AugTransforms{Size: 4}, imgs, []int{2, 8, 8, 3}, "want [2 4 4 3]"},
		{"empty", AugTransforms{Size: 4}, nil, []int{0, 4, 4, 3}, "without pictures"},
		{"sizes", AugTransforms{Size: 4}, []*data.Image{imgs[0], noise(9, 8, 1)}, []int{2, 4, 4, 3}, "Resize"},
		{"min scale", AugTransforms{Size: 4, MinScale: 1.5}, imgs, []int{2, 4, 4, 3}, "MinScale"},
		{"min scale without size", AugTransforms{MinScale: 0.5}, imgs, []int{2, 8, 8, 3}, "Size"},
		{"nan", AugTransforms{Size: 4, MaxWarp: math.NaN()}, imgs, []int{2, 4, 4, 3}, "MaxWarp"},
		{"lighting", AugTransforms{Size: 4, MaxLighting: 0.6, Mult: 2}, imgs, []int{2, 4, 4, 3}, "MaxLighting"},
		{"zoom", AugTransforms{Size: 4, MinZoom: 2}, imgs, []int{2, 4, 4, 3}, "MinZoom"},
		{"probability", AugTransforms{Size: 4, PAffine: 2}, imgs, []int{2, 4, 4, 3}, "PAffine"},
		{"stats", AugTransforms{Size: 4, Stats: preprocess.Stats{Mean: [3]float32{1, 1, 1}}}, imgs, []int{2, 4, 4, 3}, "deviation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.aug.Apply(tensor.New(c.dst...), c.imgs, true, rng.New(1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestAugAllShapes runs odd sizes and strengths through: nothing may panic or
// leave the range of normalized samples.
func TestAugAllShapes(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {2, 2}, {33, 50}, {97, 41}} {
		imgs := []*data.Image{noise(s[0], s[1], 1), noise(s[0], s[1], 2)}
		for _, aug := range []AugTransforms{
			{}, {Size: 1}, {Size: 7}, {Size: 64}, {Size: 7, MinScale: 0.3}, {Size: 64, MinScale: 0.3},
			{Size: 20, MaxRotate: 180, MaxWarp: 0.9, MaxZoom: 3, MinZoom: 0.2, MaxLighting: 0.9, FlipVert: true},
			{PadMode: preprocess.Zeros}, {PadMode: preprocess.Border, Batch: true},
		} {
			h, w := aug.OutSize(s[1], s[0])
			dst := tensor.New(2, h, w, 3)
			for _, train := range []bool{true, false} {
				if err := aug.Apply(dst, imgs, train, rng.New(uint64(h*w))); err != nil {
					t.Fatalf("%s of %v: %v", aug, s, err)
				}
				for _, v := range dst.Data {
					if !(v > -2.2 && v < 2.7) {
						t.Fatalf("%s of %v: value %v", aug, s, v)
					}
				}
			}
		}
	}
}

func TestNormalize(t *testing.T) {
	img := &data.Image{Width: 2, Height: 1, Pix: []uint8{0, 128, 255, 255, 0, 1}}
	dst := tensor.New(1, 1, 2, 3)
	if err := (Normalize{}).Apply(dst, []*data.Image{img}, true, nil); err != nil {
		t.Fatal(err)
	}
	for i, v := range img.Pix {
		c := i % 3
		want := (float64(v)/255 - float64(preprocess.ImageNetStats.Mean[c])) / float64(preprocess.ImageNetStats.Std[c])
		if math.Abs(float64(dst.Data[i])-want) > 1e-6 {
			t.Errorf("sample %d: %v, want %v", i, dst.Data[i], want)
		}
	}
}

func BenchmarkAug460to224(b *testing.B) {
	const n = 16
	imgs := make([]*data.Image, n)
	for i := range imgs {
		imgs[i] = noise(460, 460, uint64(i))
	}
	dst := tensor.New(n, 224, 224, 3)
	for _, c := range []struct {
		name    string
		aug     AugTransforms
		train   bool
		threads int
	}{
		{"train/1", AugTransforms{Size: 224, MinScale: 0.75}, true, 1},
		{"train/4", AugTransforms{Size: 224, MinScale: 0.75}, true, 4},
		{"valid/1", AugTransforms{Size: 224, MinScale: 0.75}, false, 1},
		{"train-noscale/1", AugTransforms{Size: 224}, true, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			defer parallel.SetThreads(parallel.SetThreads(c.threads))
			r := rng.New(1)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.aug.Apply(dst, imgs, c.train, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
