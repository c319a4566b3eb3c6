package vision

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/tensor"
)

// Denormalize turns picture i of a batch x [N,H,W,3] back into 8-bit RGB; s is
// what it was normalised with, and zero means ImageNetStats.
func Denormalize(x *tensor.Tensor, i int, s Stats) (*data.Image, error) {
	if len(x.Shape) != 4 || x.Shape[3] != 3 {
		return nil, fmt.Errorf("Denormalize: shape %v; want [N,H,W,3]", x.Shape)
	}
	if i < 0 || i >= x.Shape[0] {
		return nil, fmt.Errorf("Denormalize: picture %d of a batch of %d", i, x.Shape[0])
	}
	s = s.orImageNet()
	h, w := x.Shape[1], x.Shape[2]
	m := data.NewImage(w, h)
	for k, v := range x.Data[i*h*w*3 : (i+1)*h*w*3] {
		c := k % 3
		m.Pix[k] = uint8(max(0, min((v*s.Std[c]+s.Mean[c])*255+0.5, 255)))
	}
	return m, nil
}

// ShowOptions says how ShowBatch lays out its grid. The zero value is a good
// default.
type ShowOptions struct {
	Max  int // pictures at most; 0 means 9, as fastai's show_batch
	Cols int // 0 means as square a grid as possible
	Cell int // longest side of a picture in pixels; 0 means 224
	// Stats undoes the normalisation; zero means ImageNetStats.
	Stats Stats
}

// ShowBatch draws the first pictures of a batch in a grid, as the network sees
// them, with their class below each: vocab[b.Y[i]]. It is the quickest check
// that labels fit pictures and that augmentation does what one expects.
func ShowBatch(b *data.Batch, vocab []string, o ShowOptions) (*image.RGBA, error) {
	if b == nil || b.X == nil || len(b.X.Shape) != 4 {
		return nil, fmt.Errorf("ShowBatch: the batch has no pictures [N,H,W,3]")
	}
	n := b.X.Shape[0]
	limit := o.Max
	if limit <= 0 {
		limit = 9
	}
	n = min(n, limit)
	pictures := make([]*data.Image, n)
	labels := make([]string, n)
	for i := range n {
		m, err := Denormalize(b.X, i, o.Stats)
		if err != nil {
			return nil, err
		}
		pictures[i] = m
		if i < len(b.Y) {
			labels[i] = fmt.Sprintf("class %d", b.Y[i])
			if y := b.Y[i]; y >= 0 && y < len(vocab) {
				labels[i] = vocab[y]
			}
		}
	}
	return ShowGrid(pictures, labels, o)
}

// ShowGrid draws pictures in a grid, each with its label below. Labels may be
// fewer than pictures; one that is too long is cut with an ellipsis. Stats and
// Max of o do not matter.
func ShowGrid(pictures []*data.Image, labels []string, o ShowOptions) (*image.RGBA, error) {
	n := len(pictures)
	if n == 0 {
		return nil, fmt.Errorf("ShowGrid: no pictures")
	}
	cell := o.Cell
	if cell <= 0 {
		cell = 224
	}
	cols := o.Cols
	if cols <= 0 {
		for cols = 1; cols*cols < n; cols++ {
		}
	}
	cols = min(cols, n)
	rows := (n + cols - 1) / cols
	const most = 1 << 15
	size := float64(cell) / 15
	size = max(11, min(size, 22))
	line := int(size*1.6 + 0.5)
	gap := max(8, cell/14)
	width, height := gap+cols*(cell+gap), gap+rows*(cell+line+gap)
	if width > most || height > most {
		return nil, fmt.Errorf("ShowGrid: %d×%d pixels; want at most %d each way: show fewer or smaller pictures", width, height, most)
	}
	face, err := labelFace(size)
	if err != nil {
		return nil, err
	}
	defer face.Close()
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	for i, m := range pictures {
		if m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height {
			return nil, fmt.Errorf("ShowGrid: picture %d has %d bytes of pixels for %d×%d", i, len(m.Pix), m.Width, m.Height)
		}
		x0, y0 := gap+i%cols*(cell+gap), gap+i/cols*(cell+line+gap)
		// The long side fills the cell.
		w, h := cell, cell
		if m.Width > m.Height {
			h = max(cell*m.Height/m.Width, 1)
		} else {
			w = max(cell*m.Width/m.Height, 1)
		}
		at := image.Rect(0, 0, w, h).Add(image.Pt(x0+(cell-w)/2, y0+cell-h))
		var scaler draw.Scaler = draw.CatmullRom
		if w >= 3*m.Width { // a tiny picture: show its pixels, not a blur
			scaler = draw.NearestNeighbor
		}
		scaler.Scale(out, at, ToImage(m), image.Rect(0, 0, m.Width, m.Height), draw.Src, nil)
		if i < len(labels) {
			writeLabel(out, face, labels[i], x0+cell/2, y0+cell+int(size*1.15), cell+gap-4)
		}
	}
	return out, nil
}

// WritePNG encodes a picture, such as ShowBatch's, as PNG.
func WritePNG(w io.Writer, m image.Image) error {
	b := bufio.NewWriter(w)
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(b, m); err != nil {
		return err
	}
	return b.Flush()
}

// ToImage copies a picture into the standard library's form.
func ToImage(m *data.Image) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	d := out.Pix
	for s := m.Pix; len(s) >= 3 && len(d) >= 4; s, d = s[3:], d[4:] {
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
	}
	return out
}

// FromImage converts a picture of the standard library's as Decode does.
func FromImage(m image.Image) *data.Image { return toRGB(m) }

func labelFace(size float64) (font.Face, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("the built-in font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

// writeLabel writes s centered at x on the baseline y, at most width pixels
// wide.
func writeLabel(dst draw.Image, face font.Face, s string, x, y, width int) {
	limit := fixed.I(width)
	if font.MeasureString(face, s) > limit {
		r := []rune(s)
		for len(r) > 0 && font.MeasureString(face, string(r)+"…") > limit {
			r = r[:len(r)-1]
		}
		s = string(r) + "…"
	}
	d := font.Drawer{Dst: dst, Src: image.NewUniform(color.Gray{Y: 0x22}), Face: face}
	d.Dot = fixed.Point26_6{X: fixed.I(x) - d.MeasureString(s)/2, Y: fixed.I(y)}
	d.DrawString(s)
}
