package avif

import (
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// maxFrames bounds the coded frames of a picture: one, or one for each layer. Each costs the time of a picture, however few bytes it has.
const maxFrames = 4

// The kinds of open bitstream units (AV1, 6.2.2) that count here.
const (
	unitSequence    = 1
	unitFrameHeader = 3
	unitFrame       = 6
)

// bits reads bits, the highest of a byte first. Past the end it gives zeros and keeps that in mind.
type bits struct {
	b     []byte
	at    int
	short bool
}

func (r *bits) read(n int) (v uint64) {
	for range n {
		v <<= 1
		if r.at < 8*len(r.b) {
			v |= uint64(r.b[r.at>>3]>>(7-r.at&7)) & 1
		} else {
			r.short = true
		}
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.read(1) == 1 }

// check looks at a stream without decoding it: it must have the size that the container
// declares, and few frames, so that memory and time are bounded before the decoder begins.
func check(stream []byte, w, h int) error {
	frames, sequences := 0, 0
	for len(stream) > 0 {
		head := stream[0]
		kind, size := int(head>>3&15), 1
		if head&0x80 != 0 {
			return errors.New("the AV1 stream is damaged: a unit begins with a forbidden bit")
		}
		if head&4 != 0 { // an extension: layers
			size = 2
		}
		if len(stream) < size {
			return cut()
		}
		stream = stream[size:]
		length := len(stream) // without a size the unit is the last
		if head&2 != 0 {
			n, used := leb128(stream)
			if used == 0 || n > uint64(len(stream)-used) {
				return cut()
			}
			stream, length = stream[used:], int(n)
		}
		content := stream[:length]
		stream = stream[length:]
		switch kind {
		case unitSequence:
			sequences++
			sw, sh, err := sequenceSize(content)
			if err != nil {
				return err
			}
			if sw != w || sh != h {
				return fmt.Errorf("the AV1 stream is of %d×%d pixels, the container declares %d×%d", sw, sh, w, h)
			}
		case unitFrame, unitFrameHeader:
			if sequences == 0 {
				return errors.New("the AV1 stream is damaged: it has a frame before its header")
			}
			if frames++; frames > maxFrames {
				return unsupported.Errorf("a picture of more than %d coded frames", maxFrames)
			}
		}
	}
	if frames == 0 {
		return errors.New("the AV1 stream has no frame")
	}
	return nil
}

func cut() error { return fmt.Errorf("the AV1 stream is cut short: %w", io.ErrUnexpectedEOF) }

// leb128 reads a number of at most 8 bytes and how many it takes; 0 when it does not end (AV1, 4.10.5).
func leb128(b []byte) (v uint64, used int) {
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// sequenceSize reads a sequence header (AV1, 5.5.1) as far as the largest size of a frame.
func sequenceSize(b []byte) (w, h int, err error) {
	r := &bits{b: b}
	r.read(3) // profile
	r.read(1) // still picture
	if reduced := r.flag(); reduced {
		r.read(5)
	} else {
		r.operatingPoints()
	}
	wide, high := int(r.read(4))+1, int(r.read(4))+1
	w, h = int(r.read(wide))+1, int(r.read(high))+1
	if r.short {
		return 0, 0, cut()
	}
	return w, h, nil
}

// operatingPoints skips what a sequence header says of times, levels and layers.
func (r *bits) operatingPoints() {
	delay := 0 // bits of a buffer's delay; 0 when there is no model of the decoder
	if timing := r.flag(); timing {
		r.read(32)
		r.read(32)
		if equal := r.flag(); equal { // a number with as many bits as zeros before it
			zeros := 0
			for !r.flag() && !r.short && zeros < 32 {
				zeros++
			}
			if zeros < 32 {
				r.read(zeros)
			}
		}
		if model := r.flag(); model {
			delay = int(r.read(5)) + 1
			r.read(32)
			r.read(5)
			r.read(5)
		}
	}
	initial := r.flag()
	for n := r.read(5) + 1; n > 0; n-- {
		r.read(12)
		if level := r.read(5); level > 7 {
			r.read(1)
		}
		if delay > 0 && r.flag() {
			r.read(2*delay + 1)
		}
		if initial && r.flag() {
			r.read(4)
		}
	}
}
