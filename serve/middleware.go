package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// handler answers a request, or returns why not before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// light wraps handlers that need no slot: health, descriptions, the page.
func (s *Server) light(route string, h handler) http.Handler {
	return s.observed(route, h)
}

// work wraps handlers that classify: a bounded number at a time, within the
// time limit.
func (s *Server) work(route string, h handler) http.Handler {
	return s.observed(route, func(w http.ResponseWriter, r *http.Request) error {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			return fail(http.StatusServiceUnavailable, "requests", "%d requests are being worked on, the limit; try again after the time in Retry-After", cap(s.slots))
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.opts.Timeout)
		defer cancel()
		// A client that sends its body slower than the limit gets its error at
		// the limit. Connections without deadlines (in tests) do without.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.opts.Timeout))
		if err := s.decoded(w, r); err != nil {
			return err
		}
		return h(w, r.WithContext(ctx))
	})
}

// observed logs and counts every request and answers errors and panics.
func (s *Server) observed(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		err := safely(h, rec, r)
		level, note := s.opts.Log.Debug, ""
		if err != nil {
			e := s.classify(err)
			var p *panicError
			if errors.As(err, &p) {
				e = &statusError{http.StatusInternalServerError, "internal", "an internal error; the service's log says more"}
				s.opts.Log.Error("panic in a request", "route", route, "panic", p.value, "stack", p.stack)
			}
			s.m.refused.WithLabelValues(e.reason).Inc()
			if rec.status == 0 {
				writeError(rec, e)
			}
			note = err.Error()
		}
		took := time.Since(start)
		s.m.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
		s.m.requestSeconds.WithLabelValues(route).Observe(took.Seconds())
		if r.Method == http.MethodPost || note != "" {
			level = s.opts.Log.Info
		}
		args := []any{"method", r.Method, "path", r.URL.Path, "status", rec.status, "ms", float64(took.Microseconds()) / 1000,
			"in", r.ContentLength, "out", rec.bytes, "remote", r.RemoteAddr}
		if note != "" {
			args = append(args, "error", note)
		}
		level("request", args...)
	})
}

// panicError is a panic on its way to the log.
type panicError struct {
	value any
	stack string
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func safely(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, string(debug.Stack())}
		}
	}()
	return h(w, r)
}
