// Package watch shows training live on a local web page: curves of losses,
// learning rate and metrics, pictures of the current batch, throughput and time
// left.
//
// Its callback does next to nothing on the training goroutine: it notes a few
// numbers, and now and then copies some pictures when somebody is looking.
// Everything else happens on goroutines of its own, and what it remembers is
// bounded however long training takes.
package watch

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/train"
)

// DefaultPicturesEvery is what Options.PicturesEvery means when it is 0.
const DefaultPicturesEvery = 5 * time.Second

// Options says what is shown and where. The zero value is a page on a free
// loopback port.
type Options struct {
	// Address is host:port as localweb.Listen takes it.
	Address string
	// Title is what the run is called on the page.
	Title string
	// Epochs is how many epochs all phases of the run have together, for the
	// time that is left; 0 means that only the phase under way is known.
	Epochs int
	// Stats is what pictures were normalized with; zero means ImageNet's.
	Stats preprocess.Stats
	// PicturesEvery is how often the pictures of the current batch are renewed
	// while somebody looks, DefaultPicturesEvery when 0.
	PicturesEvery time.Duration
}

// withDefaults puts the default in place of a PicturesEvery that is not positive.
func (o Options) withDefaults() Options {
	o.PicturesEvery = cmp.Or(max(o.PicturesEvery, 0), DefaultPicturesEvery)
	return o
}

// Watcher is a train.Callback with a web page. Its methods may be called from
// any goroutine.
type Watcher struct {
	o      Options
	server *localweb.Server
	began  time.Time
	ended  chan struct{} // closed by End

	viewers atomic.Int32

	mu      sync.Mutex
	version int // grows with every change
	now     status
	curve   series
	epochs  epochs
	batch   batchInfo
	jpeg    []byte // pictures of batch
	pace    pace
	steps   int // of the recorder's that curve has
	rows    int
	valid   time.Time // when the validation under way began

	pics     pictures
	training time.Duration // spent on the training goroutine
	drawing  time.Duration // spent on pictures beside it
	once     sync.Once
}

// status is the page's numbers.
type status struct {
	Title   string   `json:"title"`
	Stage   string   `json:"stage"` // starting, training, validating, ended
	End     string   `json:"end,omitempty"`
	Text    string   `json:"text,omitempty"`
	Phase   int      `json:"phase"`
	Phases  int      `json:"phases"`
	Frozen  bool     `json:"frozen"`
	Epoch   int      `json:"epoch"`
	Epochs  int      `json:"epochs"`
	Iter    int      `json:"iter"` // batches done of the epoch
	Iters   int      `json:"iters"`
	Size    int      `json:"size"`  // of the pictures, where it changes; otherwise 0
	Step    int      `json:"step"`  // steps done in all
	Total   int      `json:"total"` // steps of the whole run, 0 if not known
	Rate    number   `json:"rate"`  // pictures a second
	Left    number   `json:"left"`  // seconds
	Elapsed number   `json:"elapsed"`
	Metrics []string `json:"metrics"`
	Higher  []bool   `json:"higher"` // whether more is better, for each of Metrics
}

// New opens the page; the error is that of localweb.Listen.
func New(o Options) (*Watcher, error) {
	o = o.withDefaults()
	w := &Watcher{o: o, began: time.Now(), ended: make(chan struct{}), version: 1}
	w.now = status{Title: o.Title, Stage: "starting", Metrics: []string{}, Higher: []bool{}}
	var err error
	if w.server, err = localweb.Listen(o.Address, w.handler()); err != nil {
		return nil, err
	}
	return w, nil
}

// URL is the page's address.
func (w *Watcher) URL() string { return w.server.URL() }

// On implements train.Callback. It never fails.
func (w *Watcher) On(e train.Event, l *train.Learner) error {
	begin := time.Now()
	switch e {
	case train.BeforeFit, train.BeforeTrain, train.AfterBatch, train.BeforeValidate, train.AfterEpoch:
	default:
		return nil
	}
	w.mu.Lock()
	w.on(e, l, begin)
	w.mu.Unlock()
	if e == train.AfterBatch {
		w.takePictures(l, begin)
	}
	w.mu.Lock()
	w.training += time.Since(begin)
	w.mu.Unlock()
	return nil
}

func (w *Watcher) on(e train.Event, l *train.Learner, now time.Time) {
	switch e {
	case train.BeforeFit:
		w.now.Metrics, w.now.Higher = []string{}, []bool{}
		for _, m := range l.Metrics {
			w.now.Metrics = append(w.now.Metrics, m.Name())
			w.now.Higher = append(w.now.Higher, m.HigherIsBetter())
		}
		w.pace.renew()
		w.follow(l) // what a resumed run had done before
	case train.BeforeTrain:
		w.now.Stage = "training"
		if l.Size != w.now.Size {
			w.pace.renew()
		}
		w.pace.begin(now)
	case train.AfterBatch:
		n := 0
		if l.Batch != nil {
			n = len(l.Batch.Index)
		}
		w.pace.batch(now, n)
		w.follow(l)
	case train.BeforeValidate:
		w.now.Stage, w.valid = "validating", now
	case train.AfterEpoch:
		if !w.valid.IsZero() {
			w.pace.valid, w.valid = now.Sub(w.valid).Seconds(), time.Time{}
		}
		w.follow(l)
	}
	s := &w.now
	s.Phase, s.Phases, s.Frozen = l.Phase, l.Phases, l.FrozenTo() > 0
	s.Epoch, s.Epochs, s.Iter, s.Iters = l.Epoch, l.Epochs, l.Iter, l.Iters
	s.Size = l.Size
	if e == train.AfterBatch {
		s.Iter++
	}
	s.Step, s.Total = len(l.Recorder.Steps), w.o.Epochs*l.Iters
	w.version++
}

// follow takes over what the recorder has and the history has not.
func (w *Watcher) follow(l *train.Learner) {
	r := l.Recorder
	if len(r.Steps) < w.steps || len(r.Rows) < w.rows { // another recorder
		w.curve, w.epochs = series{gen: w.curve.gen + 1}, epochs{gen: w.epochs.gen + 1}
		w.steps, w.rows = 0, 0
	}
	for ; w.steps < len(r.Steps); w.steps++ {
		s := r.Steps[w.steps]
		p := point{step: w.steps + 1, loss: s.Loss, smooth: s.Smooth}
		if n := len(s.LR); n > 0 {
			p.lr = s.LR[n-1]
		}
		w.curve.add(p)
	}
	for ; w.rows < len(r.Rows); w.rows++ {
		row := r.Rows[w.rows]
		e := epochRow{N: w.rows + 1, Epoch: row.Epoch, Phase: row.Phase, Step: row.Step, Train: number(row.TrainLoss), Valid: number(row.ValidLoss), Metrics: []number{}, Seconds: number(row.Time.Seconds())}
		for _, m := range row.Metrics {
			e.Metrics = append(e.Metrics, number(m))
		}
		w.epochs.add(e)
	}
}

// End says on the page how training ended: kind is "done", "stopped" or
// "failed", text a sentence for people. Only the first call counts. Viewers are
// told at once; the page stays until Close.
func (w *Watcher) End(kind, text string) {
	w.once.Do(func() {
		w.mu.Lock()
		w.now.Stage, w.now.End, w.now.Text = "ended", kind, text
		w.now.Elapsed = number(time.Since(w.began).Seconds())
		w.version++
		w.mu.Unlock()
		close(w.ended)
	})
}

// Close ends the page, after End when that was not called. Open pages keep what
// they show.
func (w *Watcher) Close() error {
	w.End("stopped", "Training has ended.")
	err := w.server.Close(2 * time.Second)
	w.pics.wait.Wait()
	return err
}

// Cost returns how much time the watcher has taken on the training goroutine,
// and beside it for pictures.
func (w *Watcher) Cost() (training, beside time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.training, w.drawing
}
