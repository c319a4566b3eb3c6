package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// reader reads the fields of boxes. Past the end it gives zeros and keeps in
// mind that it did.
type reader struct {
	b     []byte
	short bool
}

// uint reads n ≤ 8 bytes, the highest first.
func (r *reader) uint(n int) uint64 {
	v := uint64(0)
	for _, b := range r.bytes(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// bytes takes n bytes, none when fewer are left.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// version reads the version and the flags of a full box.
func (r *reader) version() (version, flags int) {
	v := r.uint(4)
	return int(v >> 24), int(v & 0xffffff)
}

// errShort says that a box ends before its fields do.
var errShort = fmt.Errorf("a box of the container is cut short: %w", io.ErrUnexpectedEOF)

func (r *reader) err() error {
	if r.short {
		return errShort
	}
	return nil
}

// boxes calls f for each box of b (ISO/IEC 14496-12, 4.2) until it returns an error.
func boxes(b []byte, f func(kind string, content []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return errShort
		}
		size, head := uint64(binary.BigEndian.Uint32(b)), 8
		kind := string(b[4:8])
		switch size {
		case 0: // up to the end
			size = uint64(len(b))
		case 1:
			if len(b) < 16 {
				return errShort
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < uint64(head) {
			return errors.New("a box of the container is smaller than its head")
		}
		if size > uint64(len(b)) {
			return fmt.Errorf("box %q is cut short: %w", kind, io.ErrUnexpectedEOF)
		}
		if err := f(kind, b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
