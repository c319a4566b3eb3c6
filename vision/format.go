package vision

import (
	"bytes"
	"fmt"

	"github.com/whippet-ml/whippet/internal/bitmap"
)

// Format is a picture's encoding, told by its first bytes and never by its
// file name: real data sets have GIF and PNG files called .jpg.
type Format string

// The formats that Decode reads.
const (
	JPEG Format = "JPEG"
	PNG  Format = "PNG"
	GIF  Format = "GIF"
	BMP  Format = "BMP"
	WebP Format = "WebP"
	TIFF Format = "TIFF" // and BigTIFF
	PNM  Format = "PNM"  // Netpbm's PBM, PGM, PPM and PFM
	ICO  Format = "ICO"
	TGA  Format = "TGA"
)

// sniff tells the format of a file from its first bytes. For a known format
// that is not supported, and for other content, the error names what was seen.
func sniff(b []byte) (Format, error) {
	has := func(offset int, s string) bool {
		return len(b) >= offset+len(s) && string(b[offset:offset+len(s)]) == s
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return JPEG, nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return PNG, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return GIF, nil
	case has(0, "BM") && len(b) >= 18:
		return BMP, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return WebP, nil
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "II+\x00\x08\x00"), has(0, "MM\x00+\x00\x08"):
		return TIFF, nil
	case len(b) > 2 && b[0] == 'P' && (b[1] >= '1' && b[1] <= '6' || b[1] == 'f') && (b[2] == ' ' || b[2] >= '\t' && b[2] <= '\r'):
		return PNM, nil
	case has(0, "\x00\x00\x01\x00") && len(b) >= 22:
		return ICO, nil
	case bitmap.IsTGA(b):
		return TGA, nil
	}
	switch {
	case len(b) == 0:
		return "", fmt.Errorf("%w: the file is empty", ErrUnknownFormat)
	case has(4, "ftyphei"), has(4, "ftyphev"), has(4, "ftypmif1"):
		return "", fmt.Errorf("%w: HEIC is not supported; convert it to JPEG or PNG", ErrUnknownFormat)
	case has(4, "ftypavi"):
		return "", fmt.Errorf("%w: AVIF is not supported; convert it to JPEG or PNG", ErrUnknownFormat)
	case has(0, "\x00\x00\x00\x0cJXL "), has(0, "\xff\x0a"):
		return "", fmt.Errorf("%w: JPEG XL is not supported; convert it to JPEG or PNG", ErrUnknownFormat)
	case has(0, "\x00\x00\x00\x0cjP  "):
		return "", fmt.Errorf("%w: JPEG 2000 is not supported; convert it to JPEG or PNG", ErrUnknownFormat)
	case has(0, "P7\nWIDTH"), has(0, "P7\n#"):
		return "", fmt.Errorf("%w: PAM (P7) is not supported; convert it to PNG", ErrUnknownFormat)
	case has(0, "MATLAB"):
		return "", fmt.Errorf("%w: a MATLAB data file", ErrUnknownFormat)
	}
	head := bytes.TrimSpace(b[:min(len(b), 256)])
	if bytes.HasPrefix(head, []byte("<")) {
		if bytes.Contains(head, []byte("<svg")) {
			return "", fmt.Errorf("%w: SVG is not supported; convert it to PNG", ErrUnknownFormat)
		}
		return "", fmt.Errorf("%w: it looks like an HTML or XML page, as a failed download leaves", ErrUnknownFormat)
	}
	return "", fmt.Errorf("%w: it starts with % x", ErrUnknownFormat, b[:min(len(b), 8)])
}
