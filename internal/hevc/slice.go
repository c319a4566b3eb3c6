package hevc

import (
	"fmt"
	"math/bits"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// slice is the header of a slice segment (7.3.6).
type slice struct {
	set                *pictureSet
	first, dependent   bool
	address            int // of the first CTB of this segment, raster scan
	start              int // of the first CTB of the slice: SliceAddrRs
	saoY, saoC         bool
	qp                 int
	cbOffset, crOffset int
	chromaOffsets      bool // cu_chroma_qp_offset_enabled_flag
	deblockOff         bool
	beta, tc           int
	filterAcross       bool
	data               []byte
}

// parseSlice parses the header of a slice segment; before is the segment before
// it, nil for the first.
func parseSlice(nal []byte, sets *[64]*pictureSet, before *slice) (*slice, error) {
	kind := int(nal[0] >> 1 & 63)
	r := &bitReader{b: unescape(nal)}
	h := &slice{first: r.flag()}
	if kind >= 16 && kind <= 23 {
		r.flag()
	}
	id := r.ue()
	if id > 63 || sets[id] == nil {
		return nil, fmt.Errorf("a slice without picture parameter set")
	}
	p := sets[id]
	s := p.seq
	if !h.first {
		if p.dependentSlices {
			h.dependent = r.flag()
		}
		h.address = r.u(bits.Len(uint(s.widthCTB*s.heightCTB - 1)))
		if before == nil || before.set != p || h.address >= s.widthCTB*s.heightCTB {
			return nil, fmt.Errorf("a slice at the wrong place")
		}
	}
	if h.dependent {
		first, address := h.first, h.address
		*h = *before
		h.first, h.address, h.dependent = first, address, true
	} else {
		h.set, h.start = p, h.address
		if err := h.parseOwn(r, kind); err != nil {
			return nil, err
		}
	}
	if p.tiles || p.wavefront {
		if n := r.ue(); n > 0 {
			size := r.ue() + 1
			if n > s.widthCTB*s.heightCTB || size > 32 {
				return nil, fmt.Errorf("the entry points of a slice are damaged")
			}
			r.skip(n * size) // sub-streams follow each other; the decoder knows where each ends
		}
	}
	if p.headerExtension {
		r.skip(8 * r.ue())
	}
	r.flag() // the one that begins the alignment
	if r.short {
		return nil, errShort
	}
	h.data = r.b[(r.at+7)/8:]
	return h, nil
}

// parseOwn parses what dependent segments take over from the slice.
func (h *slice) parseOwn(r *bitReader, kind int) error {
	p := h.set
	s := p.seq
	r.skip(p.extraBits)
	if r.ue() != 2 {
		return unsupported.Errorf("a picture that refers to others, as of a film")
	}
	if p.outputFlag {
		r.flag()
	}
	if kind != 19 && kind != 20 { // no IDR picture
		r.u(s.pocBits)
		if !r.flag() {
			if _, err := parseRefSet(r, s.refSets, len(s.refSets), true); err != nil {
				return err
			}
		} else if n := len(s.refSets); n > 1 {
			r.u(bits.Len(uint(n - 1)))
		}
		if s.longTerm {
			if err := skipLongTerm(r, s); err != nil {
				return err
			}
		}
		if s.temporalMotion {
			r.flag()
		}
	}
	if s.sao {
		h.saoY = r.flag()
		if s.chroma != 0 {
			h.saoC = r.flag()
		}
	}
	h.qp = p.qp + r.se()
	if p.sliceChromaOffsets {
		h.cbOffset, h.crOffset = r.se(), r.se()
	}
	if p.chromaOffsets != nil {
		h.chromaOffsets = r.flag()
	}
	h.deblockOff, h.beta, h.tc = p.deblockOff, p.beta, p.tc
	if p.deblockOverride && r.flag() {
		if h.deblockOff = r.flag(); !h.deblockOff {
			h.beta, h.tc = 2*r.se(), 2*r.se()
		}
	}
	h.filterAcross = p.filterAcrossSlices
	if p.filterAcrossSlices && (h.saoY || h.saoC || !h.deblockOff) {
		h.filterAcross = r.flag()
	}
	if h.qp < -s.bdOffsetY || h.qp > 51 || max(abs(h.cbOffset), abs(h.crOffset)) > 12 || max(abs(h.beta), abs(h.tc)) > 12 {
		return fmt.Errorf("a slice header is damaged")
	}
	return nil
}

// skipLongTerm skips the long-term reference pictures of a slice header.
func skipLongTerm(r *bitReader, s *sequence) error {
	of := 0
	if s.longTermSets > 0 {
		of = r.ue()
	}
	n := of + r.ue()
	if n > 64 || r.short {
		return fmt.Errorf("a slice header is damaged")
	}
	for i := range n {
		if i < of {
			if s.longTermSets > 1 {
				r.u(bits.Len(uint(s.longTermSets - 1)))
			}
		} else {
			r.u(s.pocBits + 1)
		}
		if r.flag() {
			r.ue()
		}
	}
	return nil
}
