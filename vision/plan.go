package vision

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/internal/mem"
)

// plan is what the pictures of one batch have in common.
type plan struct {
	AugTransforms
	h, w   int // of the pictures
	oh, ow int // of the result
	crop   Rect
	// direct is set when the result is sampled in one go, without a crop;
	// then the source is averaged by pool first, where pool is above 1.
	direct bool
	pool   float64
	x, y   pixel.Taps // the resizing of the crop
}

// prepare decides what all pictures share. A decision of fastai's depends on
// all of them: whether to average before sampling (_grid_sample).
func (p *plan) prepare(d Draws) {
	p.pool = 1
	p.direct = p.MinScale == 1
	if p.direct {
		if p.oh == p.h && p.ow == p.w {
			return
		}
		p.pool = pixel.PoolFactor(p.h, p.w, p.oh, p.ow, magnification(d, p.h, p.w))
		if !allNeutral(d) {
			return
		}
		// Nothing moves (validation): an upright grid over the whole picture.
		p.direct = false
	}
	c := p.crop
	if p.MinScale < 1 {
		p.pool = pixel.PoolFactor(c.Height, c.Width, p.oh, p.ow, 1)
	}
	ph, pw := c.Height, c.Width
	if p.pool > 1 {
		ph, pw = pixel.PooledSize(ph, p.pool), pixel.PooledSize(pw, p.pool)
	}
	p.y.Set(c.Height, ph, p.oh)
	p.x.Set(c.Width, pw, p.ow)
}

func allNeutral(d Draws) bool {
	for _, p := range d.Pictures {
		if !p.neutralPlace() {
			return false
		}
	}
	return true
}

// magnification is 2 over the extent of all coordinates of the batch; a
// projective map takes its extremes at the corners.
func magnification(d Draws, h, w int) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range d.Pictures {
		m := p.normalized(h, w)
		for i := range 4 {
			x, y := m.apply(float64(float64(i&1)*2)-1, float64(float64(i>>1)*2)-1)
			lo, hi = min(lo, x, y), max(hi, x, y)
		}
	}
	return 2 / (hi - lo)
}

// scratch is what one goroutine needs, reused from picture to picture.
type scratch struct {
	packed []uint64  // the source
	pooled []float32 // the source, averaged
	ring   []float32 // the latest rows of the source, moved
	row    []float32 // their combination
	curve  pixel.ToneCurve
	x, y   pixel.Taps // of averaging the source
}

var scratches mem.Pool[scratch]

// picture writes one result [oh,ow,3] from one picture [h,w,3].
func (p *plan) picture(dst []float32, src []uint8, d PictureDraws, s *scratch) {
	still := d.neutralPlace()
	finish := p.finisher(d, s)
	switch {
	case p.direct && still && p.oh == p.h && p.ow == p.w:
		for y := range p.oh {
			row := dst[3*y*p.ow : 3*(y+1)*p.ow]
			toFloat(row, src[3*y*p.w:])
			finish(row)
		}
	case p.direct:
		p.sampleDirect(dst, src, d, s, finish)
	default:
		p.cropAndResize(dst, src, d, s, finish)
	}
}

// finisher returns the last step of a picture: lighting and normalization of a
// row of samples in [0,255].
func (p *plan) finisher(d PictureDraws, s *scratch) func(row []float32) {
	if d.Brightness == 0.5 && d.Contrast == 1 {
		scale, shift := affine(p.Stats, 255)
		return func(row []float32) { normalizeRow(row, scale, shift) }
	}
	scale, shift := affine(p.Stats, 1)
	tabulate(&s.curve, d.Brightness, d.Contrast)
	return func(row []float32) { s.curve.Apply(row, scale, shift) }
}

// sampleDirect samples the whole picture, averaged first where the plan says
// so, at the result's size.
func (p *plan) sampleDirect(dst []float32, src []uint8, d PictureDraws, s *scratch, finish func([]float32)) {
	m := d.normalized(p.h, p.w)
	if p.pool > 1 {
		ph, pw := pixel.PooledSize(p.h, p.pool), pixel.PooledSize(p.w, p.pool)
		s.average(src, p.h, p.w, ph, pw)
		m = m.toPixels(p.oh, p.ow, ph, pw)
		for y := range p.oh {
			row := dst[3*y*p.ow : 3*(y+1)*p.ow]
			sampleFloat(row, s.pooled, ph, pw, m.row(0, float64(y)), p.PadMode)
			finish(row)
		}
		return
	}
	packed := s.pack(src)
	m = m.toPixels(p.oh, p.ow, p.h, p.w)
	for y := range p.oh {
		row := dst[3*y*p.ow : 3*(y+1)*p.ow]
		sampleBytes(row, src, packed, p.h, p.w, m.row(0, float64(y)), p.PadMode)
		finish(row)
	}
}

// pack returns the packed source where sampleBytes wants it.
func (s *scratch) pack(src []uint8) []uint64 {
	if pixel.CanSample() {
		return nil
	}
	s.packed = grow(s.packed, len(src)/3)
	pack(s.packed, src)
	return s.packed
}

// average fills s.pooled with the area average of src, [h,w,3] bytes, at
// ph×pw.
func (s *scratch) average(src []uint8, h, w, ph, pw int) {
	s.y.Set(h, ph, ph)
	s.x.Set(w, pw, pw)
	s.pooled = grow(s.pooled, 3*ph*pw)
	s.row = grow(s.row, 3*w+1)
	s.ring = grow(s.ring, s.y.Size*3*w)
	done := 0
	for y := range ph {
		lo, n := int(s.y.First[y]), int(s.y.Count[y])
		for done = max(done, lo); done < lo+n; done++ {
			toFloat(s.ring[done%s.y.Size*3*w:][:3*w], src[3*done*w:])
		}
		s.y.Combine(s.row[:3*w], s.ring, y)
		s.x.Apply(s.pooled[3*y*pw:3*(y+1)*pw], s.row)
	}
}

// cropAndResize moves the picture at its own size, but only where the crop
// will look, and resizes the crop. Rows of the crop are made when the vertical
// taps need them and forgotten after.
func (p *plan) cropAndResize(dst []float32, src []uint8, d PictureDraws, s *scratch, finish func([]float32)) {
	still := d.neutralPlace()
	var m mat3
	var packed []uint64
	if !still {
		packed = s.pack(src)
		m = d.normalized(p.h, p.w).toPixels(p.h, p.w, p.h, p.w)
	}
	n := 3 * p.crop.Width
	s.row = grow(s.row, n+1)
	s.ring = grow(s.ring, p.y.Size*n)
	done := 0
	for y := range p.oh {
		lo, end := int(p.y.First[y]), int(p.y.First[y]+p.y.Count[y])
		for done = max(done, lo); done < end; done++ {
			sy, slot := p.crop.Top+done, s.ring[done%p.y.Size*n:][:n]
			if still {
				toFloat(slot, src[3*(sy*p.w+p.crop.Left):])
			} else {
				sampleBytes(slot, src, packed, p.h, p.w, m.row(float64(p.crop.Left), float64(sy)), p.PadMode)
			}
		}
		// Rows are combined first: that is the part that vectorizes.
		p.y.Combine(s.row[:n], s.ring, y)
		row := dst[3*y*p.ow : 3*(y+1)*p.ow]
		p.x.Apply(row, s.row)
		finish(row)
	}
}

// toFloat converts len(dst) bytes.
func toFloat(dst []float32, src []uint8) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = float32(v)
	}
}
