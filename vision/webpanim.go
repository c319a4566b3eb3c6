package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/image/webp"

	"github.com/whippet-ml/whippet/data"
)

// webpFrame is the first frame of an animated WebP.
type webpFrame struct {
	x, y, w, h int    // where it lies on the canvas
	file       []byte // a WebP file of its color alone
}

// webpAnimated reports whether an extended header (VP8X) says that a WebP is an
// animation.
func webpAnimated(b []byte) bool {
	return len(b) > 20 && string(b[12:16]) == "VP8X" && b[20]&2 != 0
}

// firstWebPFrame finds the first frame (an ANMF chunk). Its alpha is left out,
// as alpha is everywhere.
func firstWebPFrame(b []byte) (*webpFrame, error) {
	for rest := b[12:]; len(rest) >= 8; {
		kind, body, next := webpChunk(rest)
		rest = next
		if kind != "ANMF" {
			continue
		}
		if len(body) < 16 {
			break
		}
		three := func(i int) int { return int(body[i]) | int(body[i+1])<<8 | int(body[i+2])<<16 }
		f := &webpFrame{x: 2 * three(0), y: 2 * three(3), w: three(6) + 1, h: three(9) + 1}
		for inside := body[16:]; len(inside) >= 8; {
			start := inside
			kind, _, next := webpChunk(inside)
			inside = next
			if kind != "VP8 " && kind != "VP8L" {
				continue
			}
			chunk := start[:len(start)-len(next)]
			head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunk)+4))
			f.file = append(append(head, "WEBP"...), chunk...)
			return f, nil
		}
		return nil, errors.New("the first frame of the animation has no picture")
	}
	return nil, fmt.Errorf("the animation has no frame: %w", io.ErrUnexpectedEOF)
}

// webpChunk splits the chunk off at the head of b, which has 8 bytes or more. A
// chunk that is cut is as long as its bytes.
func webpChunk(b []byte) (kind string, body, next []byte) {
	n := uint64(binary.LittleEndian.Uint32(b[4:]))
	body = b[8:]
	if n < uint64(len(body)) {
		next = body[n:]
		body = body[:n]
		if n%2 != 0 {
			next = next[1:]
		}
	}
	return string(b[:4]), body, next
}

// decodeAnimatedWebP returns the first frame on the canvas. What it does not
// cover is transparent there, and black without alpha, as in Pillow.
func decodeAnimatedWebP(b []byte, info Header) (*data.Image, error) {
	f, err := firstWebPFrame(b)
	if err != nil {
		return nil, err
	}
	if f.x+f.w > info.Width || f.y+f.h > info.Height {
		return nil, fmt.Errorf("the first frame, %d×%d pixels at (%d,%d), lies beyond the canvas of %d×%d", f.w, f.h, f.x, f.y, info.Width, info.Height)
	}
	c, err := webp.DecodeConfig(bytes.NewReader(f.file))
	if err != nil {
		return nil, err
	}
	if c.Width != f.w || c.Height != f.h {
		return nil, fmt.Errorf("the first frame declares %d×%d pixels and holds a picture of %d×%d", f.w, f.h, c.Width, c.Height)
	}
	frame, err := decodeWebP(f.file)
	if err != nil {
		return nil, err
	}
	if f.w == info.Width && f.h == info.Height {
		return frame, nil
	}
	defer frame.Free()
	out := data.NewImage(info.Width, info.Height)
	clear(out.Pix)
	for y := range f.h {
		copy(out.Pix[3*((y+f.y)*out.Width+f.x):], frame.Pix[3*y*f.w:3*(y+1)*f.w])
	}
	return out, nil
}
