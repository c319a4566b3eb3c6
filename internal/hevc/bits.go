package hevc

import "errors"

// errShort says that a parameter set or slice header ends before its fields do.
var errShort = errors.New("a header of the HEVC stream ends too early")

// unescape returns the payload of a NAL unit without its header of two bytes and
// without the bytes that keep start codes from appearing in it (ITU-T H.265, 7.3.1.1).
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, b := range nal[2:] {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		out = append(out, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

// bitReader reads the fields of headers. Past the end it gives zeros and keeps
// in mind that it did.
type bitReader struct {
	b     []byte
	at    int // in bits
	short bool
}

// u reads n ≤ 32 bits, the highest first.
func (r *bitReader) u(n int) int {
	v := 0
	for range n {
		v <<= 1
		if i := r.at >> 3; i < len(r.b) {
			v |= int(r.b[i]>>(7-r.at&7)) & 1
		} else {
			r.short = true
		}
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

// ue reads an unsigned Exp-Golomb code (9.2).
func (r *bitReader) ue() int {
	zeros := 0
	for r.u(1) == 0 {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// se reads a signed Exp-Golomb code.
func (r *bitReader) se() int {
	k := r.ue()
	if k&1 == 1 {
		return (k + 1) / 2
	}
	return -(k / 2)
}

func (r *bitReader) skip(bits int) {
	r.at += bits
	if r.at > 8*len(r.b) {
		r.short = true
	}
}

func (r *bitReader) err() error {
	if r.short {
		return errShort
	}
	return nil
}
