package tiff

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"

	"github.com/whippet-ml/whippet/internal/unsupported"
)

// The compressions that are read.
const (
	uncompressed = 1
	ccittRuns    = 2 // of group 3, without line ends
	ccittG3      = 3
	ccittG4      = 4
	lzwCodes     = 5
	oldJPEG      = 6
	jpegBlocks   = 7
	deflate      = 8
	packBits     = 32773
	oldDeflate   = 32946
	zstandard    = 50000
)

// others are compressions that are known by name and not read.
var others = map[int]string{
	9: "JBIG", 10: "JBIG",
	32766: "NeXT", 32771: "CCITT runs on whole words", 32809: "ThunderScan", 33003: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG",
	34676: "SGI's LogLuv", 34677: "SGI's LogLuv", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}

var errCut = fmt.Errorf("the TIFF's pixels: %w", io.ErrUnexpectedEOF)

func checkCompression(c int) error {
	switch c {
	case uncompressed, ccittRuns, ccittG3, ccittG4, lzwCodes, oldJPEG, jpegBlocks, deflate, packBits, oldDeflate, zstandard:
		return nil
	}
	if name := others[c]; name != "" {
		return unsupported.Errorf("TIFF compressed with %s (%d) is not supported; convert it", name, c)
	}
	return unsupported.Errorf("TIFF's compression %d is not supported; convert it", c)
}

// maxWindow is the most memory that Zstandard may take beside its output.
const maxWindow = 8 << 20

// unpack decompresses a block of rows of width pixels into dst, which it
// fills, whatever more there is.
func (p *picture) unpack(dst, src []byte, width int) error {
	if p.small(tagFillOrder, 1) == 2 && p.compression != jpegBlocks {
		src = bytes.Clone(src)
		for i, b := range src {
			src[i] = bits.Reverse8(b)
		}
	}
	var r io.Reader
	switch p.compression {
	case uncompressed:
		if copy(dst, src) < len(dst) {
			return errCut
		}
		return nil
	case packBits:
		return unpackBits(dst, src)
	case lzwCodes:
		c := lzw.NewReader(bytes.NewReader(src), lzw.MSB, 8)
		defer c.Close()
		r = c
	case deflate, oldDeflate:
		c, err := zlib.NewReader(bytes.NewReader(src))
		if err != nil {
			return err
		}
		defer c.Close()
		r = c
	case zstandard:
		c, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		defer c.Close()
		r = c
	case ccittRuns:
		return unfax(dst, src, width, faxRuns)
	case ccittG3:
		if p.at(tagT4Options, 0, 0)&1 != 0 {
			return unfax(dst, src, width, faxGroup3D)
		}
		return unfax(dst, src, width, faxGroup3)
	case ccittG4:
		return unfax(dst, src, width, faxGroup4)
	}
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	return nil
}

// unpackBits decodes PackBits (TIFF 6.0, section 9).
func unpackBits(dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return errCut
		}
		n := int(int8(src[0]))
		src = src[1:]
		switch {
		case n >= 0:
			k := min(n+1, len(src), len(dst))
			copy(dst, src[:k])
			dst, src = dst[k:], src[k:]
		case n != -128:
			k := min(1-n, len(dst))
			for i := range k {
				dst[i] = src[0]
			}
			dst, src = dst[k:], src[1:]
		}
	}
	return nil
}
