package serve

import (
	"bytes"
	"encoding/base64"
	"image/jpeg"
	"net/http"
	"slices"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

// explanation is the answer of POST /explain.
type explanation struct {
	Label   string `json:"label"`
	Width   int    `json:"width"` // of the pictures
	Height  int    `json:"height"`
	View    string `json:"view"`    // what the network saw of the picture, a data: address
	Overlay string `json:"overlay"` // the same with the heat of Grad-CAM over it
}

// explainPicture is POST /explain: the body is one picture, the query says
// model and class (a label; default: the most probable one). The answer shows
// where in the picture the network looked for that class.
func (s *Server) explainPicture(w http.ResponseWriter, r *http.Request) error {
	if err := known(r, "model", "class"); err != nil {
		return err
	}
	m, err := s.find(r.URL.Query().Get("model"))
	if err != nil {
		return err
	}
	pictures, done, err := s.pictures(w, r, 1, s.explains)
	if err != nil {
		return err
	}
	defer done()
	in := m.acquire()
	defer m.release(in)
	if in.cam == nil {
		return fail(http.StatusNotImplemented, "model", "the model %s cannot show where it looked: its network ends in one row of numbers for the whole picture", m.file.Name)
	}
	class := -1
	if l := r.URL.Query().Get("class"); l != "" {
		if class = slices.Index(in.labels, l); class < 0 {
			return fail(http.StatusNotFound, "class", "the model has no class %.100q; GET /models lists them", l)
		}
	}
	// One at a time, as it is heavier than an answer.
	if err := s.explain.enter(r.Context(), 1, s.opts.Timeout); err != nil {
		return err
	}
	defer s.explain.leave(1)
	e, err := in.explain(r, pictures[0].data, class)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, e)
	return nil
}

func (in *instance) explain(r *http.Request, picture []byte, class int) (*explanation, error) {
	view, err := in.p.View(r.Context(), picture)
	if err != nil {
		return nil, err
	}
	defer view.Free()
	size := in.p.InputSize()
	x := tensor.New(1, size, size, 3)
	if err := in.p.PrepareView(x.Data, view); err != nil {
		return nil, err
	}
	maps, err := in.cam.Maps(x, []int{class})
	if err != nil {
		return nil, err
	}
	small, err := shrink(view)
	if err != nil {
		return nil, err
	}
	defer small.Free()
	shown := vision.ToImage(small)
	over, err := plot.Overlay(shown, maps[0].Heat, maps[0].H, maps[0].W, plot.OverlayOptions{})
	if err != nil {
		return nil, err
	}
	e := &explanation{Label: in.labels[maps[0].Class], Width: small.Width, Height: small.Height}
	var b bytes.Buffer
	address := func() string { return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()) }
	if err := jpeg.Encode(&b, shown, &jpeg.Options{Quality: 88}); err != nil {
		return nil, err
	}
	e.View = address()
	b.Reset()
	if err := jpeg.Encode(&b, over, &jpeg.Options{Quality: 88}); err != nil {
		return nil, err
	}
	e.Overlay = address()
	return e, nil
}

// longestView bounds the sides of the pictures that an explanation shows: of a
// model without a first resizing, the view is the whole picture.
const longestView = 1024

// shrink returns img, or a copy of at most longestView pixels a side.
func shrink(img *data.Image) (*data.Image, error) {
	long := max(img.Width, img.Height)
	if long <= longestView {
		return &data.Image{Width: img.Width, Height: img.Height, Pix: img.Pix}, nil
	}
	t := vision.Resizer{Method: preprocess.Squish, Width: max(img.Width*longestView/long, 1), Height: max(img.Height*longestView/long, 1)}
	return t.ApplyAt(img, 0.5, 0.5)
}
