package bitmap

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func bmpHeader(w, h int32, bits uint16, compression uint32) string {
	b := []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00")
	b = le.AppendUint32(b, uint32(w))
	b = le.AppendUint32(b, uint32(h))
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, bits)
	b = le.AppendUint32(b, compression)
	return string(append(b, make([]byte, 20)...))
}

// TestRefused: what is whole but not read is unsupported, what lacks bytes ends
// too early before anything is allocated, and the rest says what is wrong.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		read func([]byte) (*Picture, error)
		file string
		is   error
		says string
	}{
		"BMP of 2 bits":              {ReadBMP, bmpHeader(5, 5, 2, 0), errors.ErrUnsupported, "2 bits"},
		"BMP of JPEG":                {ReadBMP, bmpHeader(5, 5, 24, 4), errors.ErrUnsupported, "compression 4"},
		"BMP of no width":            {ReadBMP, bmpHeader(0, 5, 24, 0), nil, "0×5"},
		"BMP of the least height":    {ReadBMP, bmpHeader(5, -1<<31, 24, 0), nil, "pixels"},
		"BMP of 2³¹-1":               {ReadBMP, bmpHeader(1<<31-1, 1<<31-1, 24, 0), nil, "2147483647×2147483647"},
		"BMP without pixels":         {ReadBMP, bmpHeader(30000, 30000, 24, 0), io.ErrUnexpectedEOF, "too few"},
		"BMP, run lengths of 24":     {ReadBMP, bmpHeader(5, 5, 24, 1), nil, "run lengths"},
		"BMP's masks in 8 bits":      {ReadBMP, bmpHeader(5, 5, 8, 3) + strings.Repeat("\x01", 60), errors.ErrUnsupported, "masks"},
		"PNM without pixels":         {ReadPNM, "P6 30000 30000 255\n", io.ErrUnexpectedEOF, "too few"},
		"PNM of no height":           {ReadPNM, "P5 3 0 255\n", nil, "3×0"},
		"PNM's largest value":        {ReadPNM, "P5 1 1 70000\n1", nil, "70000"},
		"PNM, a word for a number":   {ReadPNM, "P5 one 1 255\n1", nil, "one"},
		"PNM, text beyond its white": {ReadPNM, "P2 1 1 7\n 8 ", nil, "0 to 7"},
		"PNM, a bit of 2":            {ReadPNM, "P1 2 1\n12", nil, "0 or 1"},
		"PNM, a sample missing":      {ReadPNM, "P2 2 1 7\n1    ", io.ErrUnexpectedEOF, ""},
		"PNM of a scale of 0":        {ReadPNM, "Pf 1 1 0\n1234", nil, "other than 0"},
		"PAM":                        {ReadPNM, "P7\nWIDTH 1\n", errors.ErrUnsupported, "P7"},
		"TGA without pixels":         {ReadTGA, "\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x18\x00", io.ErrUnexpectedEOF, "too few"},
		"TGA of 12 bits":             {ReadTGA, "\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x0c\x00", errors.ErrUnsupported, "TGA"},
	} {
		p, err := c.read([]byte(c.file))
		if err == nil {
			err = p.Decode(func(w, h int) []uint8 {
				if w*h > 100 {
					t.Errorf("%s: %d×%d pixels are asked for", name, w, h)
				}
				return make([]uint8, 3*w*h)
			})
		}
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want one that is %v and says %q", name, err, c.is, c.says)
		}
	}
}
