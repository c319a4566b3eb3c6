package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// attempt asks for the rest of the file and appends it to p. nil means that
// the file is whole; a *retryable error that it may become so.
func (r Request) attempt(ctx context.Context, p *part) error {
	if err := p.open(r.URL); err != nil {
		return err
	}
	if p.size > 0 && p.note.Validator == "" { // the rest could be another version's
		if err := p.restart(); err != nil {
			return err
		}
	}
	if p.size > 0 && p.size == p.note.Total {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := &retryable{err: fmt.Errorf("nothing came for %v", r.Stall)}
	dog := time.AfterFunc(r.Stall, func() { cancel(stalled) })
	defer dog.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "whippet")
	// A transport that unpacks on the way would make lengths and ranges lie.
	req.Header.Set("Accept-Encoding", "identity")
	if p.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
		req.Header.Set("If-Range", p.note.Validator)
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) { // whose message repeats the address
			err = ue.Err
		}
		var dns *net.DNSError
		if errors.Is(err, errRedirect) || errors.As(err, &dns) && dns.IsNotFound {
			return orCause(ctx, err) // asking again gives the same answer
		}
		return orCause(ctx, &retryable{err: err})
	}
	defer resp.Body.Close()
	total, err := r.accept(resp, p)
	if err != nil {
		return err
	}
	err = r.receive(ctx, resp.Body, p, total, func() { dog.Reset(r.Stall) })
	if err == nil && total >= 0 && p.size != total {
		err = &retryable{err: fmt.Errorf("%w: got %d of %d bytes", io.ErrUnexpectedEOF, p.size, total)}
	}
	return err
}

// orCause is the cause of ctx's end if it has ended, else err.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// accept looks at the answer's head, prepares p for its body, and returns the
// whole file's size or -1.
func (r Request) accept(resp *http.Response, p *part) (total int64, err error) {
	switch code := resp.StatusCode; {
	case code == http.StatusPartialContent:
		from, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || from != p.size || p.size == 0 || p.note.Total >= 0 && total != p.note.Total {
			if err := p.restart(); err != nil {
				return 0, err
			}
			return 0, &retryable{err: fmt.Errorf("the server sent another range than was asked for (%q)", resp.Header.Get("Content-Range"))}
		}
		return total, nil
	case code == http.StatusOK:
		if err := p.restart(); err != nil {
			return 0, err
		}
		total = resp.ContentLength
		if r.Size > 0 && total >= 0 && total != r.Size {
			return 0, fmt.Errorf("the server's file has %d bytes and should have %d: the publisher changed it, or the address is wrong", total, r.Size)
		}
		if total > r.MaxBytes {
			return 0, fmt.Errorf("the server's file has %d bytes, more than the %d allowed", total, r.MaxBytes)
		}
		if resp.Header.Get("Content-Encoding") != "" {
			return 0, fmt.Errorf("the server insists on the encoding %q", resp.Header.Get("Content-Encoding"))
		}
		return total, p.describe(note{URL: r.URL, Validator: validator(resp.Header), Total: total})
	case code == http.StatusRequestedRangeNotSatisfiable && p.size > 0:
		// The file became shorter, or all of it was there already.
		if err := p.restart(); err != nil {
			return 0, err
		}
		return 0, &retryable{err: errors.New("the server has nothing after the part that was there; starting over")}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return 0, &retryable{err: fmt.Errorf("the server answers %s", resp.Status), after: retryAfter(resp.Header)}
	case code == http.StatusNotFound, code == http.StatusGone:
		return 0, fmt.Errorf("the server answers %s: there is no such file (any more); check the address", resp.Status)
	default:
		return 0, fmt.Errorf("the server answers %s", resp.Status)
	}
}

// receive appends the body to p; alive is called as bytes come.
func (r Request) receive(ctx context.Context, body io.Reader, p *part, total int64, alive func()) error {
	buf := make([]byte, 256<<10)
	said := time.Now()
	r.Progress(p.size, total)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			alive()
			if p.size+int64(n) > r.MaxBytes {
				return fmt.Errorf("the server sends more than the %d bytes allowed", r.MaxBytes)
			}
			if _, werr := p.f.Write(buf[:n]); werr != nil { // disk full: the part stays
				return fmt.Errorf("cannot write what came: %w", werr)
			}
			p.size += int64(n)
			if time.Since(said) > 100*time.Millisecond {
				said = time.Now()
				r.Progress(p.size, total)
			}
		}
		if err == io.EOF {
			r.Progress(p.size, total)
			return nil
		}
		if err != nil {
			return orCause(ctx, &retryable{err: fmt.Errorf("the connection broke after %d bytes: %w", p.size, err)})
		}
	}
}

// validator is what says later that the file is still the same: a strong
// ETag, or else the time of its change.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// contentRange reads "bytes 100-199/200".
func contentRange(s string) (from, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	if !ok {
		return 0, 0, false
	}
	span, of, ok1 := strings.Cut(s, "/")
	a, b, ok2 := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(a, 10, 64)
	last, err2 := strconv.ParseInt(b, 10, 64)
	total, err3 := strconv.ParseInt(of, 10, 64)
	ok = ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && from >= 0 && from <= last && last == total-1
	return from, total, ok
}

// retryAfter reads how many seconds a server asks to wait, at most a minute.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return min(time.Duration(s)*time.Second, time.Minute)
}
