package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/internal/bitmap"
	"github.com/whippet-ml/whippet/internal/heif"
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
	HEIC Format = "HEIC"
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
	case has(0, "BM") && len(b) >= 18, bitmap.IsDIB(b):
		return BMP, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return WebP, nil
	case has(8, "CR\x02"), has(0, "II") && has(4, "HEAPCCDR"):
		return "", refused("a camera's raw picture (Canon)", developed)
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "II+\x00\x08\x00"), has(0, "MM\x00+\x00\x08"):
		if rawTIFF(b) {
			return "", refused("a camera's raw picture", developed)
		}
		return TIFF, nil
	case len(b) > 2 && b[0] == 'P' && (b[1] >= '1' && b[1] <= '6' || b[1] == 'f') && (b[2] == ' ' || b[2] >= '\t' && b[2] <= '\r'):
		return PNM, nil
	case has(0, "\x00\x00\x01\x00") && len(b) >= 22:
		return ICO, nil
	case has(4, "ftyp"):
		return sniffBrands(heif.Brands(b))
	}
	for _, u := range unread {
		if has(u.offset, u.magic) {
			return "", refused(u.name, u.advice)
		}
	}
	if bitmap.IsTGA(b) {
		return TGA, nil
	}
	if len(b) == 0 {
		return "", fmt.Errorf("%w: the file is empty", ErrUnknownFormat)
	}
	head := bytes.TrimSpace(b[:min(len(b), 256)])
	if bytes.HasPrefix(head, []byte("<")) {
		if bytes.Contains(head, []byte("<svg")) {
			return "", refused("SVG", drawing)
		}
		return "", fmt.Errorf("%w: it looks like an HTML or XML page, as a failed download leaves", ErrUnknownFormat)
	}
	return "", fmt.Errorf("%w: it starts with % x", ErrUnknownFormat, b[:min(len(b), 8)])
}

// What to do with formats that are not read.
const (
	convert   = "convert it to PNG or JPEG, for example with ImageMagick: magick FILE FILE.png"
	developed = "develop it to JPEG or PNG, for example with darktable-cli or RawTherapee, or use the JPEG that the camera wrote beside it"
	drawing   = "it is a drawing without a size of its own; render it to PNG, for example with rsvg-convert"
	pages     = "it holds pages, not one picture; render them to PNG, for example with pdftoppm -png, or extract its photographs with pdfimages"
	fromJXL   = "convert it, for example with djxl FILE FILE.png"
	fromJP2   = "convert it, for example with opj_decompress -i FILE -o FILE.png"
	fromDICOM = "convert it, for example with dcmj2pnm from DCMTK"
	buildAVIF = "convert it, for example with avifdec FILE FILE.png, or use a program that has the decoder: " +
		"go install -tags avif github.com/whippet-ml/whippet/cmd/whippet@latest, or one that imports github.com/whippet-ml/whippet/vision/avif"
	film = "it is a film; extract its frames, for example with ffmpeg -i FILE frame%05d.png"
)

// unread are formats that are recognized to say what to do with them.
var unread = []struct {
	offset              int
	magic, name, advice string
}{
	{0, "\x00\x00\x00\x0cJXL ", "JPEG XL", fromJXL},
	{0, "\xff\x0a", "JPEG XL", fromJXL},
	{0, "\x00\x00\x00\x0cjP  ", "JPEG 2000", fromJP2},
	{0, "\xff\x4f\xff\x51", "JPEG 2000", fromJP2},
	{0, "FUJIFILMCCD-RAW", "a camera's raw picture (Fujifilm)", developed},
	{0, "IIRO", "a camera's raw picture (Olympus)", developed},
	{0, "IIRS", "a camera's raw picture (Olympus)", developed},
	{0, "MMOR", "a camera's raw picture (Olympus)", developed},
	{0, "IIU\x00", "a camera's raw picture (Panasonic)", developed},
	{0, "FOVb", "a camera's raw picture (Sigma)", developed},
	{0, "\x00MRM", "a camera's raw picture (Minolta)", developed},
	{0, "8BPS", "a Photoshop file (PSD)", convert},
	{0, "gimp xcf", "a GIMP file (XCF)", convert},
	{0, "%PDF-", "PDF", pages},
	{0, "%!PS", "PostScript", pages},
	{0, "\xc5\xd0\xd3\xc6", "PostScript", pages},
	{0, "\x76\x2f\x31\x01", "OpenEXR", convert},
	{0, "#?RADIANCE", "Radiance HDR", convert},
	{0, "qoif", "QOI", convert},
	{0, "DDS ", "a DirectDraw surface (DDS)", convert},
	{128, "DICM", "DICOM", fromDICOM},
	{0, "P7\nWIDTH", "PAM (P7)", convert},
	{0, "P7\n#", "PAM (P7)", convert},
	{0, "\x1a\x45\xdf\xa3", "a film (Matroska)", film},
	{0, "MATLAB", "a MATLAB data file", "save its pictures as PNG, with imwrite"},
}

// refused is the error for a format that is known and not read.
func refused(name, advice string) error {
	return fmt.Errorf("%w: %s is not read; %s", ErrUnknownFormat, name, advice)
}

// sniffBrands tells the formats of files of the ISO base media family.
func sniffBrands(brands []string) (Format, error) {
	for _, b := range brands {
		switch b {
		case "avif", "avis":
			if _, ok := codecs[AVIF]; ok {
				return AVIF, nil
			}
			return "", refused("AVIF", buildAVIF)
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return HEIC, nil
		case "crx ":
			return "", refused("a camera's raw picture (Canon)", developed)
		}
	}
	if slices.Contains(brands, "mif1") || slices.Contains(brands, "msf1") {
		return HEIC, nil
	}
	if len(brands) == 0 {
		return "", fmt.Errorf("%w: a film or HEIC file that is damaged at its very start", ErrUnknownFormat)
	}
	return "", refused(fmt.Sprintf("a film (MP4 or QuickTime, %q)", brands[0]), film)
}

// rawTIFF reports whether a TIFF is a camera's raw picture (DNG, NEF, ARW and their
// like): its first directory is a preview of what lies in others, or names a version of DNG.
func rawTIFF(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return false
	}
	preview, others := false, false
	for e := b[at+2:][:min(12*uint64(order.Uint16(b[at:])), uint64(len(b))-at-2)]; len(e) >= 12; e = e[12:] {
		switch order.Uint16(e) {
		case 254: // NewSubfileType
			preview = order.Uint32(e[8:])&1 == 1
		case 330: // SubIFDs
			others = true
		case 50706: // DNGVersion
			return true
		}
	}
	return preview && others
}
