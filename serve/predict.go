package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/whippet-ml/whippet/predict"
)

// pictureAnswer is the answer for one of several pictures.
type pictureAnswer struct {
	File        string          `json:"file"`
	Predictions []predict.Score `json:"predictions,omitempty"`
	Error       string          `json:"error,omitempty"`
}

// predict is POST /predict. The body is a picture, or multipart/form-data with
// one or many files. Parameters of the query: model (default: the first), topk.
//
// One picture is answered with its classes, the most probable first,
// [{"label":…,"score":…}]. Several are answered in order with
// [{"file":…,"predictions":[…]}]; one that cannot be read has an "error" instead
// and does not keep the others from being answered. Where the model abstains, the first is
// {"label":"unknown","score":…,"reasons":[…]}, with the best class's score.
// Of a model that makes sets of classes, the first has "set" too.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	if err := known(r, "model", "topk"); err != nil {
		return err
	}
	topk, err := s.topK(r)
	if err != nil {
		return err
	}
	m, err := s.find(r.URL.Query().Get("model"))
	if err != nil {
		return err
	}
	pictures, done, err := s.pictures(w, r, s.opts.MaxPictures, s.requests)
	if err != nil {
		return err
	}
	defer done()
	in := m.acquire()
	defer m.release(in)
	answers, errs, err := s.classifyAll(r.Context(), m, in, len(pictures), func(i int, dst []float32) error {
		return in.p.Prepare(r.Context(), dst, pictures[i].data)
	})
	if err != nil {
		return err
	}
	if len(pictures) == 1 {
		if errs[0] != nil {
			return errs[0]
		}
		writeJSON(w, http.StatusOK, answers[0].Answers(topk))
		return nil
	}
	if err := r.Context().Err(); err != nil {
		return context.Cause(r.Context())
	}
	out := make([]pictureAnswer, len(pictures))
	for i, p := range pictures {
		out[i].File = p.name
		if errs[i] != nil {
			out[i].Error = s.classify(errs[i]).msg
		} else {
			out[i].Predictions = answers[i].Answers(topk)
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// known refuses parameters of the query that a request does not have: one that
// is misspelled must not be passed over in silence.
func known(r *http.Request, names ...string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail(http.StatusBadRequest, "parameter", "the query is malformed: %.100s", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(names, name) {
			return fail(http.StatusBadRequest, "parameter", "the parameter %.50q of the query is unknown; there are %q", name, names)
		}
		if len(query[name]) > 1 {
			return fail(http.StatusBadRequest, "parameter", "the parameter %s is given %d times", name, len(query[name]))
		}
	}
	return nil
}

func (s *Server) topK(r *http.Request) (int, error) {
	v := r.URL.Query().Get("topk")
	if v == "" {
		return s.opts.TopK, nil
	}
	k, err := strconv.Atoi(v)
	if err != nil || k < 1 {
		return 0, fail(http.StatusBadRequest, "parameter", "topk=%.20q: want a number from 1 up", v)
	}
	return k, nil
}

// classifyAll sends n pictures, which fill prepares, through the batcher. The
// error is one of all of them: there is no room.
func (s *Server) classifyAll(ctx context.Context, m *model, in *instance, n int, fill func(i int, dst []float32) error) ([]predict.Prediction, []error, error) {
	if err := in.b.reserve(ctx, n, patienceOf(ctx)); err != nil {
		return nil, nil, err
	}
	ahead, start := in.b.waiting(), time.Now()
	defer in.b.release(n)
	answers, errs := make([]predict.Prediction, n), make([]error, n)
	one := func(i int) {
		defer func() { // fill runs decoders that are not all ours
			if v := recover(); v != nil {
				errs[i] = fmt.Errorf("the picture could not be decoded: %v", v)
			}
		}()
		answers[i], errs[i] = in.b.run(ctx, func(dst []float32) error { return fill(i, dst) })
	}
	if n == 1 {
		one(0)
	} else {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { one(i) })
		}
		wg.Wait()
	}
	for i, err := range errs {
		outcome := "classified"
		if err != nil {
			outcome = "failed"
		} else {
			for _, r := range answers[i].Reasons() {
				s.m.unknown.WithLabelValues(m.file.Name, r.Why).Inc()
			}
			if far, ok := answers[i].Strangeness(); ok && in.p.Info().Strangeness.Limit > 0 {
				s.m.strangeness.WithLabelValues(m.file.Name).Observe(far / in.p.Info().Strangeness.Limit)
			}
		}
		s.m.pictures.WithLabelValues(m.file.Name, outcome).Inc()
	}
	err := errors.Join(errs...)
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		in.b.pace.note(ahead, time.Since(start))
	}
	in.stats.request(n, time.Since(start), err)
	return answers, errs, nil
}
