package watch

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

//go:embed page
var files embed.FS

const (
	maxViewers = 32               // pages open at once
	tick       = time.Second      // between updates
	heartbeat  = 10 * time.Second // when nothing changes
)

func (w *Watcher) handler() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /batch.jpg", w.servePictures)
	mux.HandleFunc("GET /events", w.serveEvents)
	return mux
}

func (w *Watcher) servePictures(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	file := w.jpeg // replaced, never written to
	w.mu.Unlock()
	if file == nil {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "image/jpeg")
	_, _ = rw.Write(file) // a viewer who left is no error
}

// update is what an event carries: the status, and of the histories what the
// viewer does not have.
type update struct {
	Status status    `json:"status"`
	Batch  batchInfo `json:"batch"`
	Curve  struct {
		Gen    int     `json:"gen"`
		Stride int     `json:"stride"`
		From   int     `json:"from"` // where Points go; what follows is dropped
		Points []point `json:"points"`
		Tip    *point  `json:"tip"` // of the steps since the last point
	} `json:"curve"`
	Epochs struct {
		Gen  int        `json:"gen"`
		From int        `json:"from"`
		Rows []epochRow `json:"rows"`
	} `json:"epochs"`
}

// seen is what a viewer has.
type seen struct {
	version          int
	curveGen, points int
	rowsGen, rows    int
}

// since returns what is new to a viewer, nil when nothing is, and notes that
// the viewer has it.
func (w *Watcher) since(v *seen, always bool) ([]byte, error) {
	w.mu.Lock()
	if v.version == w.version && !always {
		w.mu.Unlock()
		return nil, nil
	}
	if v.curveGen != w.curve.gen {
		v.curveGen, v.points = w.curve.gen, 0
	}
	if v.rowsGen != w.epochs.gen {
		v.rowsGen, v.rows = w.epochs.gen, 0
	}
	u := update{Status: w.now, Batch: w.batch}
	u.Curve.Gen, u.Curve.Stride, u.Curve.From = w.curve.gen, max(w.curve.stride, 1), v.points
	u.Curve.Points = append([]point{}, w.curve.points[v.points:]...)
	if w.curve.n > 0 {
		tip := w.curve.tip
		u.Curve.Tip = &tip
	}
	u.Epochs.Gen, u.Epochs.From = w.epochs.gen, v.rows
	u.Epochs.Rows = append([]epochRow{}, w.epochs.rows[v.rows:]...)
	v.version, v.points, v.rows = w.version, len(w.curve.points), len(w.epochs.rows)
	w.fill(&u.Status)
	w.mu.Unlock()
	return json.Marshal(u)
}

// fill completes a status by what depends on the time.
func (w *Watcher) fill(s *status) {
	s.Rate = number(w.pace.rate())
	if s.Stage == "ended" {
		s.Left = 0
		return
	}
	s.Elapsed = number(time.Since(w.began).Seconds())
	steps, validations := s.Total-s.Step, w.o.Epochs-w.rows
	if w.o.Epochs == 0 {
		steps, validations = (s.Epochs-s.Epoch)*s.Iters-s.Iter, s.Epochs-s.Epoch
	}
	s.Left = number(w.pace.left(steps, validations))
}

// serveEvents is the page's stream of server-sent events. Each viewer has a
// goroutine that asks for what is new at its own pace: a slow one gets fewer
// updates and holds nothing up.
func (w *Watcher) serveEvents(rw http.ResponseWriter, r *http.Request) {
	if w.viewers.Add(1) > maxViewers {
		w.viewers.Add(-1)
		rw.Header().Set("Retry-After", "5")
		http.Error(rw, fmt.Sprintf("%d pages are open already: close one", maxViewers), http.StatusServiceUnavailable)
		return
	}
	defer w.viewers.Add(-1)
	rc := http.NewResponseController(rw)
	if err := rc.SetReadDeadline(time.Time{}); err != nil { // the stream outlasts the limit for requests
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	send := func(v *seen, always bool) bool {
		b, err := w.since(v, always)
		if b == nil || err != nil {
			return err == nil
		}
		if err := rc.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil {
			return false
		}
		if _, err := fmt.Fprintf(rw, "retry: 2000\ndata: %s\n\n", b); err != nil {
			return false
		}
		return rc.Flush() == nil
	}
	var v seen
	if !send(&v, true) {
		return
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-w.ended:
			send(&v, true)
			return
		case <-ticker.C:
		}
		before := v.version
		always := time.Since(last) >= heartbeat
		if !send(&v, always) {
			return
		}
		if always || v.version != before {
			last = time.Now()
		}
	}
}
