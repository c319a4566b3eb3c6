package hevc

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// sequence is a sequence parameter set (7.3.2.2): what holds for all pictures of
// a stream.
type sequence struct {
	chroma        int // 0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4
	width, height int // coded, multiples of the smallest coding block
	// What the conformance window cuts off, in luma samples.
	left, right, top, bottom int
	depthY, depthC           int
	pocBits                  int // of slice_pic_order_cnt_lsb

	log2MinCB, log2CTB int
	log2MinTB          int
	log2MaxTB          int
	maxDepth           int // max_transform_hierarchy_depth_intra

	lists *scalingLists // nil: flat

	sao, pcm               bool
	pcmDepthY, pcmDepthC   int
	log2MinPCM, log2MaxPCM int
	pcmUnfiltered          bool
	refSets                [][]int // of each short-term reference picture set the deltas
	longTerm               bool
	longTermSets           int
	temporalMotion, strong bool
	rotateSkipped          bool
	skipContext            bool
	implicitRDPCM          bool
	intraSmoothingOff      bool
	persistentRice         bool
	color                  Color
	widthCTB, heightCTB    int
	shiftX, shiftY         int // log2 of luma samples per chroma sample
	bdOffsetY, bdOffsetC   int // QpBdOffset
}

func parseSequence(nal []byte, limit int) (int, *sequence, error) {
	r := &bitReader{b: unescape(nal)}
	s := &sequence{color: Color{Matrix: 2}}
	r.u(4)
	sub := r.u(3)
	r.u(1)
	skipProfile(r, sub)
	id := r.ue()
	s.chroma = r.ue()
	if s.chroma == 3 && r.flag() {
		return 0, nil, unsupported.Errorf("color planes that are coded apart")
	}
	s.width, s.height = r.ue(), r.ue()
	if r.short || id > 15 || s.chroma > 3 {
		return 0, nil, fmt.Errorf("the sequence parameter set is damaged")
	}
	if s.width < 1 || s.height < 1 || s.width > limit/s.height {
		return 0, nil, fmt.Errorf("the HEVC stream declares %d×%d pixels, more than the container", s.width, s.height)
	}
	if s.chroma == 1 || s.chroma == 2 {
		s.shiftX = 1
	}
	if s.chroma == 1 {
		s.shiftY = 1
	}
	if r.flag() {
		s.left, s.right, s.top, s.bottom = r.ue()<<s.shiftX, r.ue()<<s.shiftX, r.ue()<<s.shiftY, r.ue()<<s.shiftY
		if s.left+s.right >= s.width || s.top+s.bottom >= s.height {
			return 0, nil, fmt.Errorf("the conformance window of the HEVC stream leaves no pixels")
		}
	}
	s.depthY, s.depthC = 8+r.ue(), 8+r.ue()
	if s.depthY > 12 || s.depthC > 12 {
		return 0, nil, unsupported.Errorf("%d bits a sample; up to 12 are read", max(s.depthY, s.depthC))
	}
	s.bdOffsetY, s.bdOffsetC = 6*(s.depthY-8), 6*(s.depthC-8)
	s.pocBits = 4 + r.ue()
	from := sub
	if r.flag() {
		from = 0
	}
	for i := from; i <= sub; i++ {
		r.ue()
		r.ue()
		r.ue()
	}
	s.log2MinCB = 3 + r.ue()
	s.log2CTB = s.log2MinCB + r.ue()
	s.log2MinTB = 2 + r.ue()
	s.log2MaxTB = s.log2MinTB + r.ue()
	r.ue()
	s.maxDepth = r.ue()
	if s.pocBits > 16 || s.log2CTB < 4 || s.log2CTB > 6 || s.log2MinTB >= s.log2MinCB || s.log2MaxTB > min(s.log2CTB, 5) || s.maxDepth > 4 {
		return 0, nil, fmt.Errorf("the sequence parameter set has block sizes that HEVC does not know")
	}
	if m := 1<<s.log2MinCB - 1; s.width&m != 0 || s.height&m != 0 {
		return 0, nil, fmt.Errorf("the coded size %d×%d is no multiple of the smallest coding block", s.width, s.height)
	}
	s.widthCTB = (s.width + 1<<s.log2CTB - 1) >> s.log2CTB
	s.heightCTB = (s.height + 1<<s.log2CTB - 1) >> s.log2CTB
	if r.flag() {
		s.lists = defaultLists()
		if r.flag() {
			if err := s.lists.parse(r, s.chroma); err != nil {
				return 0, nil, err
			}
		}
	}
	r.u(1) // asymmetric partitions
	s.sao = r.flag()
	if s.pcm = r.flag(); s.pcm {
		s.pcmDepthY, s.pcmDepthC = r.u(4)+1, r.u(4)+1
		s.log2MinPCM = 3 + r.ue()
		s.log2MaxPCM = s.log2MinPCM + r.ue()
		s.pcmUnfiltered = r.flag()
		if s.pcmDepthY > s.depthY || s.pcmDepthC > s.depthC || s.log2MaxPCM > min(s.log2CTB, 5) {
			return 0, nil, fmt.Errorf("the sequence parameter set declares impossible PCM blocks")
		}
	}
	sets := r.ue()
	if sets > 64 {
		return 0, nil, fmt.Errorf("the sequence parameter set declares %d reference picture sets", sets)
	}
	for i := range sets {
		set, err := parseRefSet(r, s.refSets, i, false)
		if err != nil {
			return 0, nil, err
		}
		s.refSets = append(s.refSets, set)
	}
	if s.longTerm = r.flag(); s.longTerm {
		s.longTermSets = r.ue()
		if s.longTermSets > 32 {
			return 0, nil, fmt.Errorf("the sequence parameter set declares %d long-term pictures", s.longTermSets)
		}
		r.skip(s.longTermSets * (s.pocBits + 1))
	}
	s.temporalMotion = r.flag()
	s.strong = r.flag()
	if r.flag() {
		parseVUI(r, s, sub)
	}
	if r.flag() {
		extensions := r.u(8)
		if extensions&0x80 != 0 {
			s.rotateSkipped = r.flag()
			s.skipContext = r.flag()
			s.implicitRDPCM = r.flag()
			r.flag() // explicit RDPCM is of inter prediction
			extended := r.flag()
			s.intraSmoothingOff = r.flag()
			r.flag() // offsets of weighted prediction
			s.persistentRice = r.flag()
			if aligned := r.flag(); extended || aligned {
				return 0, nil, unsupported.Errorf("HEVC of the 16-bit profiles")
			}
		}
		if extensions&0x10 != 0 {
			return 0, nil, unsupported.Errorf("HEVC for screen content")
		}
	}
	return id, s, r.err()
}

// skipProfile skips profile, tier and level (7.3.3) for so many sub-layers.
func skipProfile(r *bitReader, sub int) {
	r.skip(96)
	if sub == 0 {
		return
	}
	bits := 0
	for i := range 8 {
		profile, level := r.flag(), r.flag()
		if i < sub {
			if profile {
				bits += 88
			}
			if level {
				bits += 8
			}
		}
	}
	r.skip(bits)
}

// parseRefSet parses a short-term reference picture set (7.3.7) as far as others
// build on it: the distances of its pictures. Pictures that need references are
// not decoded, but a key picture's header may carry such a set.
func parseRefSet(r *bitReader, sets [][]int, i int, slice bool) ([]int, error) {
	bad := fmt.Errorf("a reference picture set is damaged")
	if i > 0 && r.flag() {
		back := 1
		if slice {
			back += r.ue()
		}
		if back > i {
			return nil, bad
		}
		negative := r.flag()
		delta := r.ue() + 1
		if negative {
			delta = -delta
		}
		var set []int
		ref := sets[i-back]
		for j := range len(ref) + 1 {
			use := true
			if !r.flag() {
				use = r.flag()
			}
			d := delta
			if j < len(ref) {
				d += ref[j]
			}
			if use && d != 0 {
				set = append(set, d)
			}
		}
		if len(set) > 16 {
			return nil, bad
		}
		return set, r.err()
	}
	before, after := r.ue(), r.ue()
	if before > 16 || after > 16 || r.short {
		return nil, bad
	}
	var set []int
	for k, d := 0, 0; k < before; k++ {
		d -= r.ue() + 1
		r.flag()
		set = append(set, d)
	}
	for k, d := 0, 0; k < after; k++ {
		d += r.ue() + 1
		r.flag()
		set = append(set, d)
	}
	return set, r.err()
}
