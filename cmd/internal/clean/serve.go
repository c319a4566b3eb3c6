package clean

import (
	"bytes"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/vision"
)

//go:embed page
var embedded embed.FS

const (
	keyHeader  = "X-Whippet-Key"
	maxBody    = 64 << 10
	maxSide    = 900 // of a picture on the page, in pixels
	maxDrawing = 4   // pictures made smaller at once
)

// Page is the web page of a review, an http.Handler. The pictures and decisions
// are only for who has the key, which is in the address that is given to the
// person: other users of the machine do not have it.
type Page struct {
	review *Review
	queue  *Queue
	key    string
	title  string
	mux    *http.ServeMux
	slots  chan struct{}

	done chan struct{}
	once sync.Once
}

// NewPage returns the page of a review that shows the cases of q. title says
// what is reviewed.
func NewPage(r *Review, q *Queue, title string) *Page {
	p := &Page{review: r, queue: q, key: localweb.NewKey(), title: title, mux: http.NewServeMux(),
		slots: make(chan struct{}, maxDrawing), done: make(chan struct{})}
	page, err := fs.Sub(embedded, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	p.mux.Handle("GET /", http.FileServerFS(page))
	p.mux.HandleFunc("GET /api/review", p.keyed(p.serveReview))
	p.mux.HandleFunc("GET /api/picture", p.keyed(p.servePicture))
	p.mux.HandleFunc("POST /api/decide", p.keyed(p.decide))
	p.mux.HandleFunc("POST /api/finish", p.keyed(p.finish))
	return p
}

// Path is what to add to the server's address: the key.
func (p *Page) Path() string { return "?key=" + p.key }

// Done is closed when the person has said that it is finished.
func (p *Page) Done() <-chan struct{} { return p.done }

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// keyed lets pass who has the key: in a header, which no page of another origin
// can set; for reading, also in the address, as pictures have it.
func (p *Page) keyed(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		if key == "" && r.Method == http.MethodGet {
			key = r.URL.Query().Get("key")
		}
		if subtle.ConstantTimeCompare([]byte(key), []byte(p.key)) != 1 {
			http.Error(w, "open the whole address that whippet printed: the key at its end is missing or old", http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

type pictureJSON struct {
	Name     string    `json:"name"`
	Labels   []int     `json:"labels"`
	Numbers  []string  `json:"numbers,omitempty"`
	Valid    bool      `json:"valid"`
	Opinion  *Opinion  `json:"opinion"`
	Decision *Decision `json:"decision"`
}

func (p *Page) serveReview(w http.ResponseWriter, _ *http.Request) {
	pictures := map[string]pictureJSON{}
	for _, e := range p.queue.Cases {
		for _, i := range e.Pictures {
			pic := p.review.set.Pictures[i]
			j := pictureJSON{Name: pic.Name, Labels: pic.Labels, Numbers: pic.Numbers, Valid: pic.Valid}
			if o, ok := p.queue.Opinions[i]; ok {
				j.Opinion = &o
			}
			if d, ok := p.review.Decision(i); ok {
				j.Decision = &d
			}
			pictures[strconv.Itoa(i)] = j
		}
	}
	cases := p.queue.Cases
	if cases == nil {
		cases = []Case{}
	}
	answer(w, map[string]any{"title": p.title, "vocab": p.review.set.Vocab, "several": p.review.set.Several, "unlabeled": p.review.set.Unlabeled, "numbers": p.review.set.Numbers, "out": p.review.out,
		"entries": cases, "pictures": pictures, "counts": p.review.Counts()})
}

func answer(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // a page that was closed is no error
}

// servePicture sends a picture of the queue as a JPEG of bounded size. It takes
// a number, never a path: nothing but the set's own pictures can be asked for.
func (p *Page) servePicture(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(r.URL.Query().Get("i"))
	if err != nil || i < 0 || i >= len(p.review.set.Pictures) {
		http.Error(w, "there is no such picture", http.StatusNotFound)
		return
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-r.Context().Done():
		return
	}
	m, err := p.review.set.Open(p.review.set.Pictures[i].Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var src image.Image = vision.ToImage(m)
	m.Free()
	if b := src.Bounds(); max(b.Dx(), b.Dy()) > maxSide {
		k := float64(maxSide) / float64(max(b.Dx(), b.Dy()))
		small := image.NewRGBA(image.Rect(0, 0, max(1, int(k*float64(b.Dx()))), max(1, int(k*float64(b.Dy())))))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), src, b, draw.Src, nil)
		src = small
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, src, &jpeg.Options{Quality: 88}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(out.Bytes())
}

// request is the body of a decision: an empty action takes it back.
type request struct {
	Decisions []struct {
		Picture int      `json:"picture"`
		Action  string   `json:"action"`
		Label   string   `json:"label"`
		Labels  []string `json:"labels"`
		Numbers []string `json:"numbers"`
	} `json:"decisions"`
}

func readRequest(r io.Reader) (map[int]*Decision, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var req request
	if err := dec.Decode(&req); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	if len(req.Decisions) == 0 {
		return nil, errors.New("no decisions")
	}
	what := map[int]*Decision{}
	for _, d := range req.Decisions {
		if _, twice := what[d.Picture]; twice {
			return nil, fmt.Errorf("two decisions about picture %d", d.Picture)
		}
		what[d.Picture] = nil
		if d.Action != "" {
			what[d.Picture] = &Decision{d.Action, d.Label, d.Labels, d.Numbers}
		}
	}
	return what, nil
}

func (p *Page) decide(w http.ResponseWriter, r *http.Request) {
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		http.Error(w, "the decision must be application/json", http.StatusUnsupportedMediaType)
		return
	}
	what, err := readRequest(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the decision cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	for i, d := range what {
		if i < 0 || i >= len(p.review.set.Pictures) {
			http.Error(w, fmt.Sprintf("there is no picture %d", i), http.StatusBadRequest)
			return
		}
		if d == nil {
			continue
		}
		if err := d.check(p.review.set); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if err := p.review.Decide(what); err != nil {
		http.Error(w, "not saved: "+err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, p.review.Counts())
}

func (p *Page) finish(w http.ResponseWriter, _ *http.Request) {
	answer(w, p.review.Counts())
	p.once.Do(func() { close(p.done) })
}
