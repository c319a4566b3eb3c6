package hevc

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// pictureSet is a picture parameter set (7.3.2.3).
type pictureSet struct {
	seq *sequence

	dependentSlices, outputFlag bool
	extraBits                   int
	signHiding                  bool
	qp                          int // init_qp
	skip                        bool
	qpDelta                     bool
	log2QPGroup                 int // Log2MinCuQpDeltaSize
	cbOffset, crOffset          int
	sliceChromaOffsets          bool
	bypass                      bool
	tiles, wavefront            bool
	filterAcrossTiles           bool
	filterAcrossSlices          bool
	deblockOverride             bool
	deblockOff                  bool
	beta, tc                    int // offsets, already doubled
	lists                       *scalingLists
	headerExtension             bool

	log2MaxSkip    int
	crossComponent bool
	chromaOffsets  [][2]int // cb_qp_offset_list and cr_qp_offset_list
	log2ChromaQP   int      // Log2MinCuChromaQpOffsetSize
	saoShift       [2]int

	toTile, fromTile []int    // addresses of CTBs: raster scan to tile scan and back
	tileOf           []uint16 // by raster address
	firstX           []bool   // columns of CTBs with which a tile begins
}

func parsePictureSet(nal []byte, seqs *[16]*sequence) (int, *pictureSet, error) {
	r := &bitReader{b: unescape(nal)}
	p := &pictureSet{}
	id, seq := r.ue(), r.ue()
	if id > 63 || seq > 15 || seqs[seq] == nil {
		return 0, nil, fmt.Errorf("the picture parameter set has no sequence")
	}
	s := seqs[seq]
	p.seq = s
	p.dependentSlices = r.flag()
	p.outputFlag = r.flag()
	p.extraBits = r.u(3)
	p.signHiding = r.flag()
	r.flag() // cabac_init_present: for inter slices
	r.ue()
	r.ue()
	p.qp = 26 + r.se()
	r.flag() // constrained intra prediction: all blocks are intra
	p.skip = r.flag()
	p.log2QPGroup = s.log2CTB
	if p.qpDelta = r.flag(); p.qpDelta {
		p.log2QPGroup -= r.ue()
	}
	p.cbOffset, p.crOffset = r.se(), r.se()
	p.sliceChromaOffsets = r.flag()
	r.u(2)
	p.bypass = r.flag()
	p.tiles = r.flag()
	p.wavefront = r.flag()
	if r.short || p.log2QPGroup < s.log2MinCB || p.qp < -s.bdOffsetY || p.qp > 51 || max(abs(p.cbOffset), abs(p.crOffset)) > 12 {
		return 0, nil, fmt.Errorf("the picture parameter set is damaged")
	}
	columns, rows := []int{s.widthCTB}, []int{s.heightCTB}
	p.filterAcrossTiles = true
	if p.tiles {
		var err error
		if columns, rows, err = parseTiles(r, s); err != nil {
			return 0, nil, err
		}
		p.filterAcrossTiles = r.flag()
	}
	p.layOut(columns, rows)
	p.filterAcrossSlices = r.flag()
	if r.flag() {
		p.deblockOverride = r.flag()
		if p.deblockOff = r.flag(); !p.deblockOff {
			p.beta, p.tc = 2*r.se(), 2*r.se()
		}
	}
	p.lists = s.lists
	if r.flag() {
		p.lists = defaultLists()
		if err := p.lists.parse(r, s.chroma); err != nil {
			return 0, nil, err
		}
	}
	if s.lists == nil {
		p.lists = nil
	}
	r.flag() // lists_modification_present
	r.ue()
	p.headerExtension = r.flag()
	p.log2MaxSkip = 2
	if r.flag() {
		if extensions := r.u(8); extensions&0x80 != 0 {
			if err := p.parseRange(r); err != nil {
				return 0, nil, err
			}
		} else if extensions&0x10 != 0 {
			return 0, nil, unsupported.Errorf("HEVC for screen content")
		}
	}
	if max(abs(p.beta), abs(p.tc)) > 12 {
		return 0, nil, fmt.Errorf("the picture parameter set is damaged")
	}
	return id, p, r.err()
}

// parseRange parses the range extension (7.3.2.3.2).
func (p *pictureSet) parseRange(r *bitReader) error {
	s := p.seq
	if p.skip {
		p.log2MaxSkip = 2 + r.ue()
	}
	p.crossComponent = r.flag() && s.chroma == 3
	if r.flag() {
		p.log2ChromaQP = s.log2CTB - r.ue()
		n := r.ue() + 1
		if n > 6 || p.log2ChromaQP < s.log2MinCB {
			return fmt.Errorf("the picture parameter set is damaged")
		}
		for range n {
			p.chromaOffsets = append(p.chromaOffsets, [2]int{r.se(), r.se()})
		}
	}
	p.saoShift = [2]int{r.ue(), r.ue()}
	for _, o := range p.chromaOffsets {
		if max(abs(o[0]), abs(o[1])) > 12 {
			return fmt.Errorf("the picture parameter set is damaged")
		}
	}
	if p.log2MaxSkip > 5 || p.saoShift[0] > max(s.depthY-10, 0) || p.saoShift[1] > max(s.depthC-10, 0) {
		return fmt.Errorf("the picture parameter set is damaged")
	}
	return nil
}

// parseTiles reads how many CTBs wide and high the columns and rows of tiles are.
func parseTiles(r *bitReader, s *sequence) (columns, rows []int, err error) {
	bad := fmt.Errorf("the picture parameter set declares impossible tiles")
	nx, ny := r.ue()+1, r.ue()+1
	if nx > s.widthCTB || ny > s.heightCTB || nx > 64 || ny > 64 {
		return nil, nil, bad
	}
	uniform := r.flag()
	split := func(n, size int) ([]int, error) {
		parts := make([]int, n)
		left := size
		for i := range n {
			switch {
			case uniform:
				parts[i] = (i+1)*size/n - i*size/n
			case i < n-1:
				parts[i] = r.ue() + 1
			default:
				parts[i] = left
			}
			if left -= parts[i]; left < 0 || parts[i] < 1 {
				return nil, bad
			}
		}
		return parts, nil
	}
	if columns, err = split(nx, s.widthCTB); err != nil {
		return nil, nil, err
	}
	rows, err = split(ny, s.heightCTB)
	return columns, rows, err
}

// layOut fills the tables of addresses (6.5.1).
func (p *pictureSet) layOut(columns, rows []int) {
	w, n := p.seq.widthCTB, p.seq.widthCTB*p.seq.heightCTB
	p.toTile, p.fromTile, p.tileOf = make([]int, n), make([]int, n), make([]uint16, n)
	p.firstX = make([]bool, w)
	at, tile, y0 := 0, 0, 0
	for _, h := range rows {
		x0 := 0
		for _, width := range columns {
			p.firstX[x0] = true
			for y := y0; y < y0+h; y++ {
				for x := x0; x < x0+width; x++ {
					p.toTile[y*w+x], p.fromTile[at], p.tileOf[y*w+x] = at, y*w+x, uint16(tile)
					at++
				}
			}
			x0 += width
			tile++
		}
		y0 += h
	}
}

func abs(v int) int { return max(v, -v) }
