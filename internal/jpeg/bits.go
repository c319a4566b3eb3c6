package jpeg

import "encoding/binary"

// bits reads the entropy-coded data. acc holds n valid bits, the next one in
// the highest place.
//
// At a marker or at the end of the data the reader supplies zero bits, and
// counts them in pad; once n < pad, some were used.
type bits struct {
	data []byte
	pos  int
	acc  uint64
	n    int
	pad  int
	eof  bool // the padding stands for data that is missing at the end
}

// fill tops acc up to at least 56 bits.
func (r *bits) fill() {
	if r.pad == 0 && r.pos+8 <= len(r.data) {
		v := binary.BigEndian.Uint64(r.data[r.pos:])
		if (^v-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is ff
			take := (63 - r.n) >> 3
			r.acc |= v >> r.n &^ (1<<(64-r.n-8*take) - 1)
			r.pos += take
			r.n += 8 * take
			return
		}
	}
	for r.n <= 56 {
		var b byte
		if r.pad > 0 {
			r.pad += 8
		} else if r.pos >= len(r.data) {
			r.pad, r.eof = 8, true
		} else if b = r.data[r.pos]; b != 0xff {
			r.pos++
		} else if r.pos+1 >= len(r.data) {
			b, r.pad, r.eof = 0, 8, true
		} else if r.data[r.pos+1] == 0 { // a stuffed zero: the data byte is ff
			r.pos += 2
		} else { // a marker
			b, r.pad = 0, 8
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
	}
}

// starved reports whether padding was used in place of data.
func (r *bits) starved() bool { return r.pad > r.n }

// get returns the next k ≤ 16 bits.
func (r *bits) get(k uint) uint32 {
	if k == 0 {
		return 0
	}
	if r.n < 16 {
		r.fill()
	}
	v := uint32(r.acc >> (64 - k))
	r.acc <<= k
	r.n -= int(k)
	return v
}

// align drops the bits read ahead, at the end of a segment. It reports whether
// whole bytes of the segment were left over.
func (r *bits) align() (left bool) {
	left = r.n-r.pad >= 8
	r.acc, r.n, r.pad = 0, 0, 0
	return left
}

// extend is the signed value of k bits v (T.81 F.2.2.1): values whose first
// bit is 0 are negative.
func extend(v uint32, k uint) int32 {
	if k == 0 {
		return 0
	}
	x := int32(v)
	return x + (x>>(k-1)-1)&(-1<<k+1)
}
