package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

type mixed struct {
	Lambda float64
	X, Y   int
	Images []float64
	Labels [][]float64
}

func mixing(t *testing.T) (f struct {
	Cuts, Blends []mixed
	Erasures     []struct {
		Height, Width int
		Share, Ratio  float64
		Erased        [2]int
	}
}) {
	t.Helper()
	raw, err := os.ReadFile("testdata/mixing.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// mixLearner has the batch of testdata/mixing.py, of three pictures.
func mixLearner() *Learner {
	l := &Learner{Shards: 1}
	l.Batch = &data.Batch{X: tensor.New(3, 5, 7, 1), Y: target.Classes([]int{0, 1, 2})}
	for i := range l.Batch.X.Data {
		l.Batch.X.Data[i] = float32(i)
	}
	return l
}

// TestCutAndBlendAreTorchvisions compares pictures and shares of labels.
func TestCutAndBlendAreTorchvisions(t *testing.T) {
	f := mixing(t)
	compare := func(what string, l *Learner, lambda float64, want mixed) {
		for i, v := range l.Batch.X.Data {
			if math.Abs(float64(v)-want.Images[i]) > 1e-5 {
				t.Fatalf("%s: value %d is %v, torchvision's %v", what, i, v, want.Images[i])
			}
		}
		if own, other := want.Labels[1][1], want.Labels[1][0]; math.Abs(lambda-own) > 1e-6 || math.Abs(1-lambda-other) > 1e-6 {
			t.Errorf("%s: share %v of the own label, torchvision's is %v", what, lambda, own)
		}
	}
	for _, c := range f.Cuts {
		l := mixLearner()
		cut := &CutMix{tmp: append([]float32(nil), l.Batch.X.Data...)}
		box, left := cutBox(5, 7, c.X, c.Y, c.Lambda)
		cut.cut(l, box)
		compare("cut", l, left, c)
	}
	for _, c := range f.Blends {
		l := mixLearner()
		cut := &CutMix{tmp: append([]float32(nil), l.Batch.X.Data...)}
		cut.blend(l, float32(c.Lambda))
		compare("blend", l, c.Lambda, c)
	}
	for _, c := range f.Erasures {
		if h, w := eraseSize(c.Height, c.Width, c.Share, c.Ratio); h != c.Erased[0] || w != c.Erased[1] {
			t.Errorf("%+v: %d×%d is erased", c, h, w)
		}
	}
}

// TestCutMix checks many draws: each picture has values of two pictures, by the share
// that its target says, and blends and cuts come as often.
func TestCutMix(t *testing.T) {
	blends, cuts := 0, 0
	for step := range 200 {
		l := mixLearner()
		l.Step = step
		for i := range l.Batch.X.Data {
			l.Batch.X.Data[i] = float32(i / 35) // each picture has the value of its number
		}
		if err := (&CutMix{MixUp: 0.8}).On(BeforeBatch, l); err != nil {
			t.Fatal(err)
		}
		between, sum := false, 0.0
		for _, v := range l.Batch.X.Data[35:70] {
			between = between || v != 0 && v != 1
			sum += float64(v)
		}
		if l.Targets.Other[1] != 0 || math.Abs(sum/35-float64(l.Targets.Lambda[1])) > 1e-5 {
			t.Fatalf("step %d: %v of the picture is its own, the target says %v", step, sum/35, l.Targets.Lambda[1])
		}
		if between {
			blends++
		} else {
			cuts++
		}
	}
	if blends < 70 || cuts < 70 {
		t.Errorf("%d blends and %d cuts", blends, cuts)
	}
	for _, c := range []*CutMix{{Alpha: -1}, {MixUp: math.NaN()}} {
		if err := c.On(BeforeBatch, mixLearner()); err == nil {
			t.Errorf("%+v was taken", *c)
		}
	}
}

func TestRandomErasing(t *testing.T) {
	o := (&RandomErasing{}).withDefaults()
	r := rng.New(1)
	for range 1000 {
		box := o.draw(64, 48, r)
		if share := float64(box.Dx()*box.Dy()) / (64 * 48); share < 0.018 || share > 0.345 || box.Max.X > 48 || box.Max.Y > 64 || box.Min.X < 0 || box.Min.Y < 0 {
			t.Fatalf("rectangle %v, %v of the area", box, share)
		}
	}
	erased := 0
	for step := range 300 {
		l := mixLearner()
		l.Step = step
		for i := range l.Batch.X.Data {
			l.Batch.X.Data[i] = 1
		}
		if err := (&RandomErasing{P: 0.25}).On(BeforeBatch, l); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			for _, v := range l.Batch.X.Data[i*35:][:35] {
				if v == 0 {
					erased++
					break
				}
			}
		}
	}
	if erased < 180 || erased > 270 {
		t.Errorf("%d of 900 pictures had a part erased, want about 225", erased)
	}
	for _, c := range []*RandomErasing{{P: 2}, {MinScale: 0.5}, {MaxRatio: 0.5}, {MaxScale: math.NaN()}} {
		if err := c.On(BeforeBatch, mixLearner()); err == nil || !strings.Contains(err.Error(), "RandomErasing") {
			t.Errorf("%+v: error %v", *c, err)
		}
	}
}

func TestMixingHasTheSameBitsForAnyThreads(t *testing.T) {
	run := func(threads int) map[string][]float32 {
		defer parallel.SetThreads(parallel.SetThreads(threads))
		l := tinyLearner(t, threads, Callbacks(&RandomErasing{}, &CutMix{MixUp: 0.5}))
		if err := l.Fit(context.Background(), 1, schedule.Flat(1e-2)); err != nil {
			t.Fatal(err)
		}
		return modelBits(l)
	}
	sameBits(t, "3 threads", run(1), run(3))
}
