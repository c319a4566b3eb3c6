package vision

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func goldenDraws(t *testing.T) []PictureDraws {
	var meta struct{ Draws map[string][]float64 }
	golden.JSON(t, "08_aug.json", &meta)
	d := meta.Draws
	out := make([]PictureDraws, 6)
	for i := range out {
		out[i] = PictureDraws{
			Dihedral: int(d["flip"][i]), Degrees: d["deg"][i],
			Zoom: d["zoom"][i], ZoomX: d["zx"][i], ZoomY: d["zy"][i],
			WarpX: d["wx"][i], WarpY: d["wy"][i],
			Brightness: d["bright"][i], Contrast: d["contrast"][i],
		}
	}
	return out
}

func TestCoordinatesEqualFastai(t *testing.T) {
	draws := goldenDraws(t)
	arrays := golden.NPZ(t, "08_aug.npz")
	const tol = 2e-6
	for _, set := range []struct {
		name string
		h, w int
	}{{"sq16", 16, 16}, {"h12w20", 12, 20}} {
		for i, d := range draws {
			check := func(what string, got []float64, want []float64) {
				t.Helper()
				for k, v := range got {
					if math.Abs(v-want[k]) > tol {
						t.Errorf("%s picture %d: %s[%d] is %v, want %v", set.name, i, what, k, v, want[k])
					}
				}
			}
			aff := d.affineMat(set.h, set.w)
			check("mat_prepared_2x3", aff[:6], arrays[set.name+".mat_prepared_2x3"].Data[6*i:6*i+6])
			warp := d.warpMat()
			check("warp_coeffs", warp[:8], arrays[set.name+".warp_coeffs"].Data[8*i:8*i+8])
			full := d.normalized(set.h, set.w)
			grid := arrays[set.name+".grid_affine_then_warp"].Data[2*i*set.h*set.w:]
			for y := range set.h {
				for x := range set.w {
					u, v := full.apply(2*float64(x)/float64(set.w-1)-1, 2*float64(y)/float64(set.h-1)-1)
					check(fmt.Sprintf("grid(%d,%d)", x, y), []float64{u, v}, grid[2*(y*set.w+x):][:2])
				}
			}
		}
	}
}

func TestSamplingEqualsFastai(t *testing.T) {
	draws := goldenDraws(t)
	arrays := golden.NPZ(t, "08_aug.npz")
	for _, set := range []struct {
		name string
		h, w int
	}{{"sq16", 16, 16}, {"h12w20", 12, 20}} {
		x := arrays[set.name+".x"].NHWC()
		n := set.h * set.w * 3
		for _, c := range []struct {
			key  string
			pick func(d PictureDraws, i int) PictureDraws
		}{
			{"after_affine", func(d PictureDraws, _ int) PictureDraws { return d }},
			{"single_flip", func(d PictureDraws, _ int) PictureDraws {
				p := NeutralDraws
				p.Dihedral = d.Dihedral
				return p
			}},
			{"single_rotate", func(d PictureDraws, _ int) PictureDraws {
				p := NeutralDraws
				p.Degrees = d.Degrees
				return p
			}},
			{"single_zoom", func(d PictureDraws, _ int) PictureDraws {
				p := NeutralDraws
				p.Zoom, p.ZoomX, p.ZoomY = d.Zoom, d.ZoomX, d.ZoomY
				return p
			}},
			{"single_warp", func(d PictureDraws, _ int) PictureDraws {
				p := NeutralDraws
				p.WarpX, p.WarpY = d.WarpX, d.WarpY
				return p
			}},
		} {
			want := arrays[set.name+"."+c.key].NHWC()
			got := make([]float32, n)
			for i, d := range draws {
				m := c.pick(d, i).normalized(set.h, set.w).toPixels(set.h, set.w, set.h, set.w)
				for y := range set.h {
					sampleFloat(got[3*y*set.w:3*(y+1)*set.w], x[i*n:(i+1)*n], set.h, set.w, m.row(0, float64(y)), preprocess.Reflection)
				}
				if worst := maxDiff(got, want[i*n:(i+1)*n]); worst > 1e-5 {
					t.Errorf("%s.%s picture %d: largest difference %.2g, want at most 1e-5", set.name, c.key, i, worst)
				}
			}
		}
	}
}

func TestDihedralEqualsFastai(t *testing.T) {
	arrays := golden.NPZ(t, "08_aug.npz")
	const h, w, n = 16, 16, 16 * 16 * 3
	x, want := arrays["sq16.x"].NHWC(), arrays["sq16.single_dihedral"].NHWC()
	got := make([]float32, n)
	var found []int
	for i := range 6 {
		for k := range 8 {
			p := NeutralDraws
			p.Dihedral = k
			m := p.normalized(h, w).toPixels(h, w, h, w)
			for y := range h {
				sampleFloat(got[3*y*w:3*(y+1)*w], x[i*n:(i+1)*n], h, w, m.row(0, float64(y)), preprocess.Reflection)
			}
			if maxDiff(got, want[i*n:(i+1)*n]) < 1e-5 {
				found = append(found, k)
			}
		}
	}
	if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(found, want) {
		t.Errorf("symmetries %v, want %v", found, want)
	}
}

func TestReflectionEqualsTorch(t *testing.T) {
	var meta struct {
		R struct{ X, Value []float64 } `json:"reflection_1d"`
	}
	golden.JSON(t, "08_aug.json", &meta)
	ramp := []float32{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}
	packed := make([]uint64, 5)
	bytes := []uint8{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}
	pack(packed, bytes)
	for i, x := range meta.R.X {
		l := line{u: (x + 1) / 2 * 4, d: 1}
		var got, gotPacked [3]float32
		sampleFloat(got[:], ramp, 1, 5, l, preprocess.Reflection)
		sampleBytes(gotPacked[:], bytes, packed, 1, 5, l, preprocess.Reflection)
		if float64(got[0]) != meta.R.Value[i] || gotPacked != got {
			t.Errorf("x=%v: float %v, packed %v, want %v", x, got[0], gotPacked[0], meta.R.Value[i])
		}
	}
}

func TestLightingEqualsFastai(t *testing.T) {
	var meta struct {
		Lighting struct {
			Input, Bright, Contrast []float64
			Both                    [][]float64 `json:"after_both"`
			Brightness              [][]float64 `json:"after_brightness"`
			ContrastOnly            [][]float64 `json:"after_contrast"`
		}
	}
	golden.JSON(t, "08_aug.json", &meta)
	l := meta.Lighting
	c := new(pixel.ToneCurve)
	for _, set := range []struct {
		name string
		b, c bool
		want [][]float64
	}{{"brightness", true, false, l.Brightness}, {"contrast", false, true, l.ContrastOnly}, {"both", true, true, l.Both}} {
		for i := range l.Bright {
			b, k := 0.5, 1.0
			if set.b {
				b = l.Bright[i]
			}
			if set.c {
				k = l.Contrast[i]
			}
			tabulate(c, b, k)
			for j, x := range l.Input {
				want := set.want[i][j]
				if got := light(x, b/(1-b), k); math.Abs(got-want) > 1e-6 {
					t.Errorf("%s(%v,%v) at %v: formula %v, want %v", set.name, b, k, x, got, want)
				}
				v := []float32{float32(255 * x), 0, 0}
				c.Apply(v, [3]float32{1, 1, 1}, [3]float32{})
				if math.Abs(float64(v[0])-want) > 0.02/255 {
					t.Errorf("%s(%v,%v) at %v: table %v, want %v within 0.02/255", set.name, b, k, x, v[0], want)
				}
			}
		}
	}
}

func TestPooledSizesEqualFastai(t *testing.T) {
	var meta struct {
		Rows []struct {
			Crop      int
			AreaFirst bool  `json:"area_first"`
			AreaSize  []int `json:"area_size"`
		} `json:"downsample_hack_to_224"`
	}
	golden.JSON(t, "08_aug.json", &meta)
	for _, r := range meta.Rows {
		d := pixel.PoolFactor(r.Crop, r.Crop, 224, 224, 1)
		if (d > 1) != r.AreaFirst {
			t.Errorf("crop %d: averaged first: %v, want %v", r.Crop, d > 1, r.AreaFirst)
		} else if d > 1 && pixel.PooledSize(r.Crop, d) != r.AreaSize[0] {
			t.Errorf("crop %d: averaged to %d, want %d", r.Crop, pixel.PooledSize(r.Crop, d), r.AreaSize[0])
		}
	}
}

func images(a golden.Array) []*data.Image {
	n, h, w := a.Shape[0], a.Shape[2], a.Shape[3]
	v := a.NHWC()
	out := make([]*data.Image, n)
	for i := range out {
		m := &data.Image{Height: h, Width: w, Pix: make([]uint8, 3*h*w)}
		for k := range m.Pix {
			m.Pix[k] = uint8(v[i*3*h*w+k])
		}
		out[i] = m
	}
	return out
}

func TestPipelineEqualsFastai(t *testing.T) {
	draws := goldenDraws(t)
	arrays := golden.NPZ(t, "08_aug.npz")
	for _, c := range []struct {
		name string
		size int
		n    int
	}{{"small46to22", 22, 6}, {"real460to224", 224, 2}, {"real460to224_areafirst", 224, 2}} {
		var meta map[string]any
		golden.JSON(t, "08_aug.json", &meta)
		imgs := images(arrays[c.name+".in_u8"])
		for _, mode := range []string{"train", "valid"} {
			t.Run(c.name+"."+mode, func(t *testing.T) {
				m := meta[c.name+"."+mode].(map[string]any)
				ints := func(k string) (int, int) {
					v := m[k].([]any)
					return int(v[0].(float64)), int(v[1].(float64))
				}
				top, left := ints("rrc_top_left_yx")
				ch, cw := ints("rrc_crop_hw")
				aug := AugTransforms{Size: c.size, MinScale: 0.75}
				var d Draws
				if mode == "train" {
					d = Draws{Pictures: draws[:c.n], Crop: Rect{top, left, ch, cw}}
				} else {
					d = aug.Draw(c.n, imgs[0].Height, imgs[0].Width, false, nil)
					if want := (Rect{top, left, ch, cw}); d.Crop != want {
						t.Errorf("crop %+v, want %+v", d.Crop, want)
					}
				}
				dst := tensor.New(c.n, c.size, c.size, 3)
				if err := aug.ApplyDraws(dst, imgs, d); err != nil {
					t.Fatal(err)
				}
				want := arrays[c.name+"."+mode+".4_Normalize"].NHWC()
				n := len(want) / c.n
				for i := range c.n {
					sum := 0.0
					for k, v := range dst.Data[i*n : (i+1)*n] {
						sum += math.Abs(float64(v - want[i*n+k]))
					}
					worst := maxDiff(dst.Data[i*n:(i+1)*n], want[i*n:(i+1)*n])
					gray := 0.225 * 255
					t.Logf("picture %d: largest difference %.4f gray levels, mean %.5f", i, worst*gray, sum/float64(n)*gray)
					if worst*gray > 0.1 {
						t.Errorf("picture %d: largest difference %.4f gray levels, want at most 0.1", i, worst*gray)
					}
				}
			})
		}
	}
}

func TestDrawsDistribution(t *testing.T) {
	var meta struct {
		Dist map[string]struct {
			FracNeutral float64 `json:"frac_neutral"`
			FracFlipped float64 `json:"frac_flipped"`
			Mean, Std   float64
			Quantiles   map[string]float64
		}
	}
	golden.JSON(t, "08_aug.json", &meta)
	const n = 100000
	d := AugTransforms{Size: 224, MinScale: 0.75}.Draw(n, 460, 460, true, rng.New(5))
	values := map[string]func(PictureDraws) float64{
		"rotate_deg":        func(p PictureDraws) float64 { return p.Degrees },
		"zoom_s=1/draw":     func(p PictureDraws) float64 { return 1 / p.Zoom },
		"zoom_col_c":        func(p PictureDraws) float64 { return (1 - 1/p.Zoom) * (2*p.ZoomX - 1) },
		"warp_y_t":          func(p PictureDraws) float64 { return p.WarpY },
		"warp_x_t":          func(p PictureDraws) float64 { return p.WarpX },
		"brightness_change": func(p PictureDraws) float64 { return p.Brightness },
		"contrast_change":   func(p PictureDraws) float64 { return p.Contrast },
	}
	for name, f := range values {
		v := make([]float64, n)
		for i, p := range d.Pictures {
			v[i] = f(p)
		}
		compareDistribution(t, name, v, meta.Dist[name].Mean, meta.Dist[name].Std, meta.Dist[name].Quantiles)
	}
	flips := 0
	for _, p := range d.Pictures {
		flips += p.Dihedral
	}
	if f := float64(flips) / n; math.Abs(f-0.5) > 0.01 {
		t.Errorf("%.3f of pictures mirrored, want 0.5", f)
	}
	sides := make([]float64, 20000)
	r := rng.New(6)
	for i := range sides {
		c := AugTransforms{Size: 224, MinScale: 0.75}.Draw(0, 460, 460, true, r).Crop
		if c.Width != c.Height {
			t.Fatalf("crop %+v is not square", c)
		}
		sides[i] = float64(c.Width)
	}
	q := meta.Dist["rrc460_side"]
	compareDistribution(t, "rrc460_side", sides, q.Mean, q.Std, q.Quantiles)
}

func compareDistribution(t *testing.T, name string, v []float64, mean, std float64, quantiles map[string]float64) {
	t.Helper()
	sum, sq := 0.0, 0.0
	for _, x := range v {
		sum += x
		sq += x * x
	}
	n := float64(len(v))
	m := sum / n
	s := math.Sqrt(sq/n - m*m)
	// Standard errors at these sizes are below 1 % of the deviation.
	if math.Abs(m-mean) > 0.03*std || math.Abs(s-std) > 0.03*std {
		t.Errorf("%s: mean %.4g, deviation %.4g; want %.4g, %.4g", name, m, s, mean, std)
	}
	for q, want := range quantiles {
		var p float64
		fmt.Sscan(q, &p)
		below, equal := 0, 0
		for _, x := range v {
			if x < want-1e-9 {
				below++
			} else if x <= want+1e-9 {
				equal++
			}
		}
		lo, hi := 100*float64(below)/n, 100*float64(below+equal)/n
		if p < lo-1 || p > hi+1 {
			t.Errorf("%s: %v is fastai's %v %% quantile, here %.2f–%.2f %%", name, want, p, lo, hi)
		}
	}
}
