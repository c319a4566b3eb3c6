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

// work wraps handlers that classify, which read the body and take a turn
// (Server.received), within the time limit.
func (s *Server) work(route string, h handler) http.Handler {
	return s.observed(route, func(w http.ResponseWriter, r *http.Request) error {
		if c := connOf(r); c != nil && c.spare {
			return fail(http.StatusServiceUnavailable, "connections", "%d connections are open, the limit; try again after the time in Retry-After", c.l.most)
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.opts.Timeout)
		defer cancel()
		ctx = context.WithValue(ctx, patienceKey{}, &patience{s.opts.QueueTimeout})
		r = r.WithContext(ctx) // a copy: net/http leaves a large body of its own unread, but not another's
		s.paced(w, r)
		if err := s.decoded(w, r); err != nil {
			return err
		}
		err := h(w, r)
		var se *statusError
		if errors.As(err, &se) && se.reason == "bodies" {
			// Those who are refused for want of memory wait too, without a body, so that
			// trying again at once gains nothing.
			pause(ctx, s.opts.QueueTimeout)
		}
		return err
	})
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// observed logs and counts every request and answers errors and panics.
func (s *Server) observed(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		var err error
		if c := connOf(r); c != nil && c.head.ambiguous(len(r.TransferEncoding) > 0) {
			rec.Header().Set("Connection", "close") // what follows cannot be told from the body
			err = fail(http.StatusBadRequest, "length", "the request gives its length twice, by Content-Length and by Transfer-Encoding, or was sent in chunks before the answer to the one ahead of it; a proxy in between may have read it otherwise")
		} else {
			err = safely(h, rec, r)
		}
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
			if s.refused.note(e.reason, start) {
				note = err.Error()
			}
		}
		took := time.Since(start)
		s.m.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
		s.m.requestSeconds.WithLabelValues(route).Observe(took.Seconds())
		if note != "" || err == nil && r.Method == http.MethodPost {
			level = s.opts.Log.Info
		}
		args := []any{"method", r.Method, "path", r.URL.Path, "status", rec.status, "ms", float64(took.Microseconds()) / 1000,
			"in", r.ContentLength, "out", rec.bytes, "remote", r.RemoteAddr}
		if err != nil {
			args = append(args, "error", err.Error())
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
