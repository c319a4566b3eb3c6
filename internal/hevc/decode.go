// Package hevc decodes key pictures of HEVC (ITU-T H.265), as HEIC files hold
// them: intra prediction only, gray, 4:2:0, 4:2:2 and 4:4:4 of 8 to 12 bits,
// with the tools of the format range extensions but those of the 16-bit profiles.
// Section numbers in the comments are the standard's.
//
// Streams are not trusted: sizes are checked against a limit before anything is
// allocated, each coding tree block is decoded once, and no input makes the
// decoder panic.
package hevc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// Plane is one component of a picture, rows from the top.
type Plane struct {
	Pix           []uint16
	Stride        int // samples from a row to the next
	Width, Height int
	Depth         int // bits of a sample
}

// Picture is a decoded picture: luma, and but for gray Cb and Cr.
type Picture struct {
	Planes []Plane
	Color  Color // as the stream tells it
}

// Decoder decodes pictures that have a configuration in common, such as the tiles of a
// grid, and uses its memory again. The zero value is not ready; see NewDecoder.
type Decoder struct {
	limit      int // pixels
	lengthSize int
	seqs       [16]*sequence
	sets       [64]*pictureSet

	p   *picture
	s   *sequence
	set *pictureSet
	h   *slice

	c      cabac
	models models
	saved  models // after the second CTB of a row, for wavefronts
	ended  models // after a slice segment, for dependent ones

	cu unit
	// QpY: of the coding unit, as predicted for its quantization group, and of the unit before.
	qp, qpGuess, qpBefore int
	qpCoded               bool
	chromaQPCoded         bool
	chromaQP              [2]int // CuQpOffsetCb and Cr
	bad                   bool   // syntax that cannot be

	coeff, residual, luma, work [32 * 32]int32
	refs, smooth                [4*32 + 1]int32
}

// NewDecoder reads the decoder configuration record (ISO/IEC 14496-15, 8.3.3.1),
// the content of a hvcC box. Streams that declare more than limit pixels are refused.
func NewDecoder(config []byte, limit int) (*Decoder, error) {
	d := &Decoder{limit: limit}
	if len(config) < 23 {
		return nil, fmt.Errorf("the decoder configuration is cut short: %w", io.ErrUnexpectedEOF)
	}
	d.lengthSize = int(config[21]&3) + 1
	arrays, b := int(config[22]), config[23:]
	for range arrays {
		if len(b) < 3 {
			return nil, fmt.Errorf("the decoder configuration is cut short: %w", io.ErrUnexpectedEOF)
		}
		n := int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		for range n {
			if len(b) < 2 || int(binary.BigEndian.Uint16(b)) > len(b)-2 {
				return nil, fmt.Errorf("the decoder configuration is cut short: %w", io.ErrUnexpectedEOF)
			}
			size := int(binary.BigEndian.Uint16(b))
			if err := d.parameters(b[2 : 2+size]); err != nil {
				return nil, err
			}
			b = b[2+size:]
		}
	}
	return d, nil
}

// parameters takes in a NAL unit that is a parameter set, and ignores others.
func (d *Decoder) parameters(nal []byte) error {
	if len(nal) < 3 || nal[0]&1 != 0 || nal[1]>>3 != 0 { // of another layer
		return nil
	}
	switch nal[0] >> 1 {
	case 33:
		id, s, err := parseSequence(nal, d.limit)
		if err != nil {
			return err
		}
		d.seqs[id] = s
	case 34:
		id, p, err := parsePictureSet(nal, &d.seqs)
		if err != nil {
			return err
		}
		d.sets[id] = p
	}
	return nil
}

// Decode decodes the first picture of data: NAL units, each after its length.
// The picture is the decoder's and good until the next call.
func (d *Decoder) Decode(data []byte) (*Picture, error) {
	d.h = nil
	next := 0 // address, in tile scan, of the CTB that must come
	for len(data) > 0 {
		if len(data) < d.lengthSize {
			return nil, fmt.Errorf("the HEVC stream is cut short: %w", io.ErrUnexpectedEOF)
		}
		n := 0
		for _, b := range data[:d.lengthSize] {
			n = n<<8 | int(b)
		}
		data = data[d.lengthSize:]
		if n > len(data) {
			return nil, fmt.Errorf("the HEVC stream is cut short: %w", io.ErrUnexpectedEOF)
		}
		nal := data[:n]
		data = data[n:]
		if len(nal) < 3 || nal[0]&1 != 0 || nal[1]>>3 != 0 {
			continue
		}
		kind := nal[0] >> 1
		if kind >= 32 {
			if d.h == nil {
				if err := d.parameters(nal); err != nil {
					return nil, err
				}
			}
			continue
		}
		if kind > 21 || kind > 9 && kind < 16 {
			continue
		}
		h, err := parseSlice(nal, &d.sets, d.h)
		if err != nil {
			return nil, err
		}
		if h.first != (d.h == nil) {
			return nil, errors.New("the slices of the HEVC stream are out of order")
		}
		if d.h == nil {
			d.set, d.s = h.set, h.set.seq
			d.p = newPicture(d.s, d.p)
		}
		d.h = h
		if d.set.toTile[h.address] != next {
			return nil, errors.New("slices of the HEVC stream are missing")
		}
		if next, err = d.segment(next); err != nil {
			return nil, err
		}
		if next == len(d.set.fromTile) {
			d.p.deblock(d.s, d.set)
			d.p.adaptOffsets(d.s, d.set)
			return d.p.cropped(d.s), nil
		}
	}
	if d.h == nil {
		return nil, errors.New("the HEVC stream has no picture")
	}
	return nil, fmt.Errorf("the HEVC stream ends before its picture does: %w", io.ErrUnexpectedEOF)
}

// segment decodes a slice segment (7.3.8.1) that begins at the CTB at, in tile
// scan, and returns the CTB after it.
func (d *Decoder) segment(at int) (int, error) {
	h, s, p := d.h, d.s, d.set
	d.p.slices = append(d.p.slices, h)
	if len(d.p.slices) > 1<<15 {
		return 0, unsupported.Errorf("more than %d slices", 1<<15)
	}
	d.c = cabac{b: h.data}
	d.c.start()
	if h.dependent {
		d.models = d.ended
	} else {
		d.p.region++
		d.models.reset(h.qp)
		d.qpBefore = h.qp
		d.chromaQP = [2]int{}
	}
	for first := true; ; first = false {
		raster := p.fromTile[at]
		x, y := raster%s.widthCTB, raster/s.widthCTB
		newTile := at > 0 && p.tileOf[raster] != p.tileOf[p.fromTile[at-1]]
		if newTile {
			d.p.region++
			d.models.reset(h.qp)
			d.qpBefore = h.qp
		} else if p.wavefront && p.firstX[x] {
			d.qpBefore = h.qp
			if !first || h.dependent {
				d.models.reset(h.qp)
			}
			if d.p.available((x+1)<<s.log2CTB, y<<s.log2CTB-1) {
				d.models = d.saved
			}
		}
		d.tree(raster, x, y)
		if d.c.over > 2 || d.bad {
			d.bad = false
			return 0, errors.New("the HEVC stream is damaged")
		}
		end := d.c.terminate()
		if p.wavefront && x > 0 && p.firstX[x-1] {
			d.saved = d.models
		}
		at++
		if at == len(p.fromTile) {
			return at, nil
		}
		if end {
			d.ended = d.models
			return at, nil
		}
		if raster := p.fromTile[at]; p.tiles && p.tileOf[raster] != p.tileOf[p.fromTile[at-1]] || p.wavefront && p.firstX[raster%s.widthCTB] {
			if !d.c.terminate() {
				return 0, errors.New("the HEVC stream is damaged")
			}
			d.c.start()
		}
	}
}
