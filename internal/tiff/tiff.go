// Package tiff decodes the first picture of TIFF and BigTIFF files to 8-bit RGB
// as Pillow does: gray of 1 to 32 bits and floating point, palettes, RGB, CMYK,
// YCbCr and Lab, in strips or tiles, with samples side by side or in planes.
//
// Compressions are none, PackBits, LZW, Deflate, Zstandard, CCITT group 3 (one
// dimension) and group 4, and JPEG. What else there is (JPEG of TIFF's version
// 6.0, LERC, WebP, JPEG XL, ...) gives an error that names it.
//
// The numbers are of Aldus' "TIFF revision 6.0" (1992) and its supplements.
package tiff

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// The color spaces (PhotometricInterpretation).
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	ycbcr       = 6
	cielab      = 8
)

// The formats of samples (SampleFormat).
const (
	unsigned = 1
	signed   = 2
	float    = 3
)

// The predictors.
const (
	noPredictor    = 1
	differences    = 2
	floatingPoints = 3
)

// picture is what a directory says of its picture, checked.
type picture struct {
	*directory
	w, h        int
	compression int
	photometric int
	bits        int // of each sample
	samples     int // of each pixel
	format      int // of each sample
	predictor   int
	alpha       bool // color is multiplied with the sample after it
	planar      bool // each sample has blocks of its own
	subH, subV  int  // pixels across and down that share a chroma sample
	blocks
}

// Size returns the size of the first picture of b in pixels, stored, without
// regard to its orientation. It allocates nothing that depends on it.
func Size(b []byte) (w, h int, err error) {
	d, err := readDirectory(b)
	if err != nil {
		return 0, 0, err
	}
	return d.size()
}

// Orientation returns the orientation of the first picture, 1 to 8 as in EXIF,
// and 1 (upright) when there is none or it is none of these.
func Orientation(b []byte) int {
	d, err := readDirectory(b)
	if err != nil {
		return 1
	}
	if o := d.small(tagOrientation, 1); o >= 1 && o <= 8 {
		return o
	}
	return 1
}

func (d *directory) size() (w, h int, err error) {
	w, h = d.small(tagWidth, 0), d.small(tagHeight, 0)
	if w == 0 || h == 0 {
		return 0, 0, fmt.Errorf("the TIFF directory declares %d×%d pixels", w, h)
	}
	return w, h, nil
}

// read reads and checks a picture's description.
func read(b []byte) (p *picture, err error) {
	d, err := readDirectory(b)
	if err != nil {
		return nil, err
	}
	p = &picture{directory: d, subH: 1, subV: 1}
	if p.w, p.h, err = d.size(); err != nil {
		return nil, err
	}
	p.compression = d.small(tagCompression, 1)
	if _, ok := d.entries[tagPhotometric]; !ok {
		return nil, errors.New("the TIFF directory has no photometric interpretation (tag 262)")
	}
	p.photometric = d.small(tagPhotometric, 0)
	p.samples = d.small(tagSamples, 1)
	if p.samples < 1 || p.samples > 8 {
		return nil, unsupported.Errorf("%d samples a pixel are not supported, only up to 8; convert it", p.samples)
	}
	if p.bits, err = d.same(tagBits, p.samples, 1, "number of bits"); err != nil {
		return nil, err
	}
	if p.format, err = d.same(tagSampleFormat, p.samples, unsigned, "format"); err != nil {
		return nil, err
	}
	p.predictor = d.small(tagPredictor, noPredictor)
	if p.fax() || p.jpeg() {
		p.predictor = noPredictor // these have none; libtiff ignores the tag
	}
	// Planes of one sample are no planes.
	p.planar = d.small(tagPlanar, 1) == 2 && p.samples > 1
	p.alpha = d.at(tagExtraSamples, 0, 0) == 1
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.photometric == ycbcr && !p.jpeg() {
		p.subH, p.subV = int(min(d.at(tagSubsampling, 0, 2), 255)), int(min(d.at(tagSubsampling, 1, 2), 255))
		if !factor(p.subH) || !factor(p.subV) {
			return nil, fmt.Errorf("chroma of TIFF is shared by %d×%d pixels; each is 1, 2 or 4", p.subH, p.subV)
		}
		if p.planar && p.subH*p.subV > 1 {
			return nil, unsupported.Errorf("TIFF in YCbCr with planes of different sizes is not supported; convert it")
		}
	}
	return p, p.layout()
}

// fax reports whether the pixels are compressed as in a fax.
func (p *picture) fax() bool {
	return p.compression == ccittRuns || p.compression == ccittG3 || p.compression == ccittG4
}

// jpeg reports whether the pixels are JPEG, which knows its own chroma.
func (p *picture) jpeg() bool { return p.compression == jpegBlocks || p.compression == oldJPEG }

func factor(n int) bool { return n == 1 || n == 2 || n == 4 }

// check refuses what cannot be read, by name.
func (p *picture) check() error {
	if err := checkCompression(p.compression); err != nil {
		return err
	}
	if p.small(tagFillOrder, 1) == 2 && p.bits > 8 {
		return unsupported.Errorf("samples of %d bits in reversed bit order are not supported; convert it", p.bits)
	}
	space, colors, depths := "", 1, []int{8}
	switch p.photometric {
	case whiteIsZero, blackIsZero:
		space, depths = "gray", []int{1, 2, 4, 8, 12, 16, 32}
	case rgb:
		space, colors, depths = "RGB", 3, []int{8, 16}
	case palette:
		space, depths = "palette", []int{1, 2, 4, 8}
	case cmyk:
		space, colors, depths = "CMYK", 4, []int{8, 16}
		if p.small(tagInkSet, 1) != 1 {
			return unsupported.Errorf("inks other than cyan, magenta, yellow and black are not supported; convert it")
		}
	case ycbcr:
		space, colors = "YCbCr", 3
	case cielab:
		space, colors = "Lab", 3
	default:
		return unsupported.Errorf("TIFF's photometric interpretation %d is not supported; convert it", p.photometric)
	}
	ok := false
	for _, d := range depths {
		ok = ok || d == p.bits
	}
	switch {
	case !ok:
		return unsupported.Errorf("TIFF in %s with %d bits a sample is not supported; convert it", space, p.bits)
	case p.samples < colors:
		return fmt.Errorf("TIFF in %s has %d samples a pixel; it needs %d", space, p.samples, colors)
	case p.samples > colors && p.bits < 8, p.samples > 4 && p.bits > 8, p.samples > colors && p.photometric == ycbcr:
		return unsupported.Errorf("TIFF in %s with %d samples of %d bits a pixel is not supported; convert it", space, p.samples, p.bits)
	case (p.bits == 12 || p.bits == 32) && p.samples > 1:
		return unsupported.Errorf("TIFF with %d samples of %d bits a pixel is not supported; convert it", p.samples, p.bits)
	case p.format < unsigned || p.format > float, p.format == float && p.bits != 32, p.format == signed && (colors > 1 || p.bits < 8 || p.bits == 12):
		return unsupported.Errorf("TIFF's sample format %d with %d bits in %s is not supported; convert it", p.format, p.bits, space)
	case p.predictor == differences && (p.bits < 8 || p.bits == 12), p.predictor == floatingPoints && p.format != float,
		p.predictor == differences && p.format == float,
		p.predictor < noPredictor || p.predictor > floatingPoints:
		return unsupported.Errorf("TIFF's predictor %d with samples of %d bits and format %d is not supported; convert it", p.predictor, p.bits, p.format)
	case p.jpeg() && (p.bits != 8 || p.samples != colors || p.samples == 4 && p.planar || p.photometric == palette || p.photometric == cielab),
		p.compression == oldJPEG && (p.planar || p.photometric == cmyk || p.photometric == whiteIsZero):
		return unsupported.Errorf("JPEG within TIFF with %d samples of %d bits in %s is not supported; convert it", p.samples, p.bits, space)
	case p.fax() && (p.bits != 1 || p.samples != 1):
		return fmt.Errorf("CCITT compression of %d samples of %d bits; it is for one bit", p.samples, p.bits)
	case p.planar && p.photometric == ycbcr && p.jpeg():
		return unsupported.Errorf("JPEG within TIFF in YCbCr with planes is not supported; convert it")
	}
	return nil
}
