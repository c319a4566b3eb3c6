package vision

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/rng"
)

// AugMix blends each training picture with several that came of it by chains of operations (Hendrycks et
// al. 2020, https://arxiv.org/abs/1912.02781), as torchvision's v2.AugMix does with alpha 1: an item transform,
// which leaves other pictures alone. The zero value has torchvision's defaults.
//
// The weights of the chains among each other, and of the picture beside them, are drawn evenly
// from all that sum to one.
type AugMix struct {
	Severity int // operations have one of the lowest magnitudes, this many of ten; 0 is 3
	Chains   int // pictures that are blended with the original; 0 is 3
	Depth    int // operations of a chain; 0 draws 1 to 3 for each
}

// augMixBins is the number of magnitudes.
const augMixBins = 10

// withDefaults puts the defaults in place of zeros.
func (a AugMix) withDefaults() AugMix {
	if a.Severity == 0 {
		a.Severity = 3
	}
	if a.Chains == 0 {
		a.Chains = 3
	}
	return a
}

// Check reports a value that cannot be.
func (a AugMix) Check() error {
	a = a.withDefaults()
	switch {
	case a.Severity < 1 || a.Severity > augMixBins:
		return fmt.Errorf("AugMix: severity %d; want 1 to %d", a.Severity, augMixBins)
	case a.Chains < 1 || a.Chains > 100 || a.Depth < 0 || a.Depth > 100:
		return fmt.Errorf("AugMix: %d chains of %d operations; want 1 to 100 of each", a.Chains, a.Depth)
	}
	return nil
}

// String describes the transform.
func (a AugMix) String() string {
	a = a.withDefaults()
	return fmt.Sprintf("AugMix(severity %d, %d chains)", a.Severity, a.Chains)
}

// augMixSpace is the operations of torchvision's AugMix.
var augMixSpace = []Strength{
	{ShearX, 0, 0.3, true, false}, {ShearY, 0, 0.3, true, false},
	{TranslateX, 0, 1.0 / 3, true, true}, {TranslateY, 0, 1.0 / 3, true, true},
	{Rotate, 0, 30, true, false},
	{Posterize, 4, 0, false, false}, {Solarize, 1, 0, false, false},
	{Operation: AutoContrast}, {Operation: Equalize},
	{Brightness, 0, 0.9, true, false}, {Color, 0, 0.9, true, false}, {Contrast, 0, 0.9, true, false}, {Sharpness, 0, 0.9, true, false},
}

// augStep is an operation of a chain.
type augStep struct {
	op        Operation
	magnitude float64
}

// Apply returns the blend in training, otherwise img.
func (a AugMix) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	if !train {
		return img, nil
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	a = a.withDefaults()
	own := onSimplex(r, 2)
	weights := onSimplex(r, a.Chains)
	chains := make([][]augStep, a.Chains)
	for i := range chains {
		depth := a.Depth
		if depth == 0 {
			depth = 1 + r.IntN(3)
		}
		for range depth {
			s := augMixSpace[r.IntN(len(augMixSpace))]
			m := s.magnitude(r.IntN(a.Severity), augMixBins, img.Width, img.Height)
			if s.Signed && r.Bool(0.5) {
				m = -m
			}
			chains[i] = append(chains[i], augStep{s.Operation, m})
		}
		weights[i] *= own[1]
	}
	return blendChains(img, own[0], weights, chains), nil
}

// onSimplex draws n weights that sum to one, evenly among all such: a Dirichlet distribution with ones,
// by the gaps of a Poisson process.
func onSimplex(r *rng.Stream, n int) []float32 {
	gaps, sum := make([]float64, n), 0.0
	for i := range gaps {
		gaps[i] = -math.Log(1 - r.Float64())
		sum += gaps[i]
	}
	w := make([]float32, n)
	for i, g := range gaps {
		w[i] = 1 / float32(n)
		if sum > 0 {
			w[i] = float32(g / sum)
		}
	}
	return w
}

// blendChains is the sum of img and of what each chain makes of it, by their weights, cut off to whole
// numbers. Geometry interpolates between pixels.
func blendChains(img *data.Image, own float32, weights []float32, chains [][]augStep) *data.Image {
	sum := make([]float32, len(img.Pix))
	for i, v := range img.Pix {
		sum[i] = own * float32(v)
	}
	for k, chain := range chains {
		at := img
		for _, s := range chain {
			next := s.op.apply(at, s.magnitude, moveSmoothly)
			if at != img {
				at.Free()
			}
			at = next
		}
		for i, v := range at.Pix {
			sum[i] += float32(weights[k] * float32(v))
		}
		if at != img {
			at.Free()
		}
	}
	out := data.NewImage(img.Width, img.Height)
	for i, v := range sum {
		out.Pix[i] = clampByte(v)
	}
	return out
}

// moveSmoothly is move with a weighted mean of the four pixels about the place; those outside are black.
func moveSmoothly(out, img *data.Image, m mat3) {
	w, h := img.Width, img.Height
	for y := range h {
		for x := range w {
			sx, sy := m.apply(float64(x)+0.5, float64(y)+0.5)
			sx, sy = sx-0.5, sy-0.5
			x0, y0 := math.Floor(sx), math.Floor(sy)
			fx, fy := float32(sx-x0), float32(sy-y0)
			var sum [3]float32
			for _, c := range [4]struct {
				x, y float64
				by   float32
			}{{x0, y0, (1 - fx) * (1 - fy)}, {x0 + 1, y0, fx * (1 - fy)}, {x0, y0 + 1, (1 - fx) * fy}, {x0 + 1, y0 + 1, fx * fy}} {
				if c.x < 0 || c.y < 0 || c.x >= float64(w) || c.y >= float64(h) {
					continue
				}
				for k, v := range img.Pix[3*(int(c.y)*w+int(c.x)):][:3] {
					sum[k] += float32(c.by * float32(v))
				}
			}
			to := out.Pix[3*(y*w+x):][:3]
			for k, v := range sum {
				to[k] = clampByte(float32(math.RoundToEven(float64(v))))
			}
		}
	}
}
