package vision

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/rng"
)

// Policy draws operations for training pictures and applies them one after the other:
// an item transform, which leaves other pictures alone.
type Policy struct {
	Name       string // of the recipe, for String
	Operations int    // that each picture goes through, drawn with replacement
	Magnitude  int    // of Bins, from 0; negative draws it for each operation
	Bins       int    // magnitudes lie evenly between their ends, which Space names
	Space      []Strength
}

// Strength is the range of an operation's magnitudes.
type Strength struct {
	Operation Operation
	From, To  float64 // the magnitudes of the first and the last bin
	Signed    bool    // half of the times the magnitude is taken negative
	OfSide    bool    // a share of the picture's width (TranslateX) or height
}

// space is the operations of torchvision's policies: how far geometry, colors and
// posterizing go.
func space(shear, translate float64, ofSide bool, rotate, color, bits float64) []Strength {
	return []Strength{
		{Operation: Identity},
		{ShearX, 0, shear, true, false}, {ShearY, 0, shear, true, false},
		{TranslateX, 0, translate, true, ofSide}, {TranslateY, 0, translate, true, ofSide},
		{Rotate, 0, rotate, true, false},
		{Brightness, 0, color, true, false}, {Color, 0, color, true, false}, {Contrast, 0, color, true, false}, {Sharpness, 0, color, true, false},
		{Posterize, 8, bits, false, false}, {Solarize, 1, 0, false, false},
		{Operation: AutoContrast}, {Operation: Equalize},
	}
}

// RandAugment applies operations of one magnitude (Cubuk et al. 2019,
// https://arxiv.org/abs/1909.13719), as torchvision's v2.RandAugment, whose defaults are 2 and 9:
// magnitude is 0 to 30.
func RandAugment(operations, magnitude int) Policy {
	return Policy{"RandAugment", operations, magnitude, 31, space(0.3, 150.0/331.0, true, 30, 0.9, 4)}
}

// TrivialAugmentWide applies one operation of a random magnitude (Müller and Hutter
// 2021, https://arxiv.org/abs/2103.10158), as torchvision's v2.TrivialAugmentWide.
func TrivialAugmentWide() Policy {
	return Policy{"TrivialAugmentWide", 1, -1, 31, space(0.99, 32, false, 135, 0.99, 2)}
}

// Check reports a value that cannot be.
func (p Policy) Check() error {
	switch {
	case p.Operations < 0 || p.Operations > 100:
		return fmt.Errorf("%s: %d operations a picture; want 0 to 100", p, p.Operations)
	case p.Bins < 2 || p.Magnitude >= p.Bins:
		return fmt.Errorf("%s: magnitude %d of %d; want fewer than Bins, which must be 2 or more", p, p.Magnitude, p.Bins)
	case len(p.Space) == 0:
		return fmt.Errorf("%s: there is no operation to draw", p)
	}
	return nil
}

// String describes the policy.
func (p Policy) String() string {
	if p.Magnitude < 0 {
		return fmt.Sprintf("%s(%d of %d operations, any magnitude)", p.Name, p.Operations, len(p.Space))
	}
	return fmt.Sprintf("%s(%d of %d operations, magnitude %d of %d)", p.Name, p.Operations, len(p.Space), p.Magnitude, p.Bins-1)
}

// magnitude is that of a bin for pictures of w×h.
func (s Strength) magnitude(bin, bins, w, h int) float64 {
	m := s.From + (s.To-s.From)*float64(bin)/float64(bins-1)
	switch {
	case s.Operation == Posterize:
		return math.RoundToEven(m)
	case s.OfSide && s.Operation == TranslateX:
		return m * float64(w)
	case s.OfSide:
		return m * float64(h)
	}
	return m
}

// Apply returns img after the policy's operations in training, otherwise img.
func (p Policy) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	if !train {
		return img, nil
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	out := img
	for range p.Operations {
		s, bin := p.Space[r.IntN(len(p.Space))], p.Magnitude
		if bin < 0 {
			bin = r.IntN(p.Bins)
		}
		m := s.magnitude(bin, p.Bins, img.Width, img.Height)
		if s.Signed && r.Bool(0.5) {
			m = -m
		}
		next := s.Operation.Apply(out, m)
		if out != img {
			out.Free()
		}
		out = next
	}
	return out, nil
}
