package fastai

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/preprocess"
)

// filter reads the first of resamples, Pillow's filter for pictures.
func (p *pipeline) filter(class string, t any) error {
	v := pickle.Attr(t, "mode")
	if resamples, ok := pickle.Attr(t, "resamples").(pickle.Tuple); v == nil && ok && len(resamples) > 0 {
		v = resamples[0]
	}
	switch n, ok := integer(v); {
	case v == nil || ok && n == 2:
		p.config.Interpolation = preprocess.Bilinear
	case ok && n == 3:
		p.config.Interpolation = preprocess.Bicubic
	default:
		return fmt.Errorf("%s resamples with Pillow's filter %v; Whippet has bilinear (2) and bicubic (3)", class, v)
	}
	return nil
}

// square reads a transform's size, which must be one number.
func square(class string, t any) (int, error) {
	w, h, ok := pair(pickle.Attr(t, "size"))
	switch {
	case !ok:
		return 0, fmt.Errorf("%s has a size that is no number or pair of numbers", class)
	case w != h:
		return 0, fmt.Errorf("%s makes pictures of %d×%d pixels; Whippet's networks take squares", class, w, h)
	case w < 1 || w > preprocess.MaxSide:
		return 0, fmt.Errorf("%s has the size %d; want 1 to %d pixels", class, w, preprocess.MaxSide)
	}
	return w, nil
}

// first notes that class is what resizes pictures at first. Only one may.
func (p *pipeline) first(class string) error {
	if p.resized != "" {
		return fmt.Errorf("pictures are resized twice in item_tfms, by %s and by %s; Whippet does it once", p.resized, class)
	}
	p.resized = class
	return nil
}

// resize is Resize: the middle, the whole, or the padded picture.
func (p *pipeline) resize(t any) error {
	size, err := square("Resize", t)
	if err != nil {
		return err
	}
	if err := p.first("Resize"); err != nil {
		return err
	}
	p.config.Presize = size
	switch method := pickle.Attr(t, "method"); method {
	case "crop":
		p.config.Method = preprocess.Crop
	case "squish":
		p.config.Method = preprocess.Squish
	case "pad":
		p.config.Method = preprocess.Pad
		if err := p.config.PadMode.UnmarshalText(fmt.Append(nil, pickle.Attr(t, "pad_mode"))); err != nil {
			return fmt.Errorf("its transform Resize: %w", err)
		}
	default:
		return fmt.Errorf("its transform Resize has the method %.40q; want crop, squish or pad", fmt.Sprint(method))
	}
	return p.filter("Resize", t)
}

// randomResizedCrop is RandomResizedCrop, which outside training stretches the
// whole picture to size + ceil(size*val_xtra/8)*8 on each side and cuts out the
// middle.
func (p *pipeline) randomResizedCrop(t any) error {
	const class = "RandomResizedCrop"
	size, err := square(class, t)
	if err != nil {
		return err
	}
	if err := p.first(class); err != nil {
		return err
	}
	share, ok := number(pickle.Attr(t, "val_xtra"))
	if !ok || !(share >= 0 && share <= 10) {
		return fmt.Errorf("%s has a val_xtra that is no number from 0 to 10", class)
	}
	whole := size + 8*int(math.Ceil(float64(size)*share/8))
	p.config.Presize, p.config.Method = size, preprocess.Squish
	if whole != size {
		if p.config.CropPct, ok = cropShare(size, whole); !ok || whole > preprocess.MaxSide {
			return fmt.Errorf("%s scales pictures to %d pixels and keeps %d of them, which Whippet cannot say", class, whole, size)
		}
		p.config.Size = size
	}
	return p.filter(class, t)
}

// cropShare returns the share c, of which size of whole pixels is what
// preprocess.Config.Short makes: floor(size/c) == whole.
func cropShare(size, whole int) (float64, bool) {
	c := float64(size) / float64(whole)
	for range 4 {
		if int(float64(size)/c) == whole {
			return c, true
		}
		c = math.Nextafter(c, 0)
	}
	return 0, false
}

// affine is what aug_transforms makes of its moves; outside training it resizes to
// size, if that is given.
func (p *pipeline) affine(class string, t any) error {
	if pickle.Attr(t, "size") == nil {
		return nil
	}
	size, err := square("aug_transforms("+class+")", t)
	if err != nil {
		return err
	}
	if mode := pickle.Attr(t, "mode"); mode != "bilinear" {
		return fmt.Errorf("%s samples with the mode %.40q; Whippet does so bilinearly", class, fmt.Sprint(mode))
	}
	if corners := pickle.Attr(t, "align_corners"); corners != true {
		return fmt.Errorf("%s has align_corners=%v; Whippet resizes as with True, aug_transforms' default", class, corners)
	}
	return p.second(class, size)
}

// randomResizedCropGPU is RandomResizedCropGPU, as aug_transforms(min_scale=…) has
// it; outside training it takes the share valid_scale of the sides.
func (p *pipeline) randomResizedCropGPU(t any) error {
	const class = "RandomResizedCropGPU"
	size, err := square(class, t)
	if err != nil {
		return err
	}
	if share, ok := number(pickle.Attr(t, "valid_scale")); pickle.Attr(t, "valid_scale") != nil && (!ok || share != 1) {
		return fmt.Errorf("%s has valid_scale=%v; Whippet resizes the whole picture, as with 1", class, share)
	}
	if mode := pickle.Attr(t, "mode"); mode != nil && mode != "bilinear" {
		return fmt.Errorf("%s samples with the mode %.40q; Whippet does so bilinearly", class, fmt.Sprint(mode))
	}
	return p.second(class, size)
}

// second notes the size to which a batch is resized.
func (p *pipeline) second(class string, size int) error {
	switch {
	case p.config.Size != 0 && p.config.Size != size && p.config.CropPct == 0:
		return fmt.Errorf("batches are resized twice, to %d and by %s to %d pixels; Whippet does it once", p.config.Size, class, size)
	case p.config.CropPct != 0 && p.config.Size != size:
		return fmt.Errorf("%s resizes to %d pixels what RandomResizedCrop has cut to %d; Whippet does one of them", class, size, p.config.Size)
	}
	p.config.Size = size
	return nil
}

// intToFloat is IntToFloatTensor, which divides by 255.
func (p *pipeline) intToFloat(t any) error {
	if div, ok := number(pickle.Attr(t, "div")); !ok || div != 255 {
		return fmt.Errorf("IntToFloatTensor divides by %v; Whippet scales samples to 0 to 1, by 255", pickle.Attr(t, "div"))
	}
	p.scaled = true
	return nil
}

// normalize is Normalize, (x-mean)/std by channel.
func (p *pipeline) normalize(t any) error {
	if !p.scaled || p.normed {
		return fmt.Errorf("its transform Normalize is there twice, or before IntToFloatTensor")
	}
	p.normed = true
	for _, part := range []struct {
		name string
		into *[3]float32
	}{{"mean", &p.config.Mean}, {"std", &p.config.Std}} {
		a, err := p.file.Tensor("Normalize."+part.name, pickle.Attr(t, part.name))
		if err != nil {
			return err
		}
		values := a.Float32s()
		if len(values) != 3 {
			return fmt.Errorf("its transform Normalize.%s has %d values of shape %v; want one for each of red, green and blue", part.name, len(values), a.Shape)
		}
		copy(part.into[:], values)
	}
	return p.config.Stats.Check()
}
