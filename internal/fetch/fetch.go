// Package fetch downloads files that must arrive whole: it resumes what was
// interrupted, tries again when a server or the network falters, checks what
// it got, and only then gives the file its name. It also knows where downloads
// are kept, and locks them among processes.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Request is one file to download. URL and Path are required; the zero value
// of every other field is its default.
type Request struct {
	URL  string // http or https
	Path string // where the file goes; while partial it is Path.part

	Size    int64  // bytes it must have; 0 if not known
	SHA256  string // lower-case hex, or its first 8 digits or more; "" if not known
	GitSHA1 string // lower-case hex of Git's name for the content, SHA-1 of "blob SIZE\0" and it; "" if not known
	HeadMD5 string // MD5 of its first MiB, as fastai's table of data sets has it; "" if not known

	MaxBytes int64         // refuse more; 0 is 64 GiB
	Retries  int           // attempts without progress before giving up; 0 is 5
	Backoff  time.Duration // wait before the second attempt, doubling up to 30 s; 0 is 1 s
	Stall    time.Duration // give an attempt up after so long without a byte; 0 is 30 s

	// Header is sent with the request, and to no other host that it is redirected to:
	// a token is the address's.
	Header http.Header
	Lock   string // file that processes lock while they download; "" is Path.lock

	Client   *http.Client            // nil is one that refuses to fall back from https to http
	Progress func(done, total int64) // called now and then; total is -1 if not known
}

// withDefaults puts the defaults in place of fields that are not positive, or nil.
func (r Request) withDefaults() Request {
	r.MaxBytes = cmp.Or(max(r.MaxBytes, 0), 64<<30)
	r.Retries = cmp.Or(max(r.Retries, 0), 5)
	r.Backoff = cmp.Or(max(r.Backoff, 0), time.Second)
	r.Stall = cmp.Or(max(r.Stall, 0), 30*time.Second)
	r.Lock = cmp.Or(r.Lock, r.Path+".lock")
	if r.Client == nil {
		r.Client = &http.Client{CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if from := via[0].URL; req.URL.Scheme != from.Scheme || req.URL.Host != from.Host {
				for name := range r.Header {
					req.Header.Del(name)
				}
			}
			return noDowngrade(req, via)
		}}
	}
	if r.Progress == nil {
		r.Progress = func(done, total int64) {}
	}
	return r
}

var errRedirect = errors.New("unusable redirect")

func noDowngrade(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("%w: more than 10 of them", errRedirect)
	}
	if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
		return fmt.Errorf("%w from https to %s", errRedirect, req.URL.Scheme)
	}
	return nil
}

// maxAttempts bounds attempts that each made some progress.
const maxAttempts = 1000

// Retry calls f until it succeeds, until its error is not one that MayPass, or
// until it has failed the given number of times, with pauses that begin with
// first and double, or are as long as a server asks for.
func Retry(ctx context.Context, times int, first time.Duration, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		var again *retryable
		if err == nil || n >= times || !errors.As(err, &again) {
			return err
		}
		if p := pause(ctx, max(again.after, backoff(first, n))); p != nil {
			return p
		}
	}
}

// MayPass wraps an error that another attempt may not meet. h are the headers of
// the answer, which may say how long to wait; nil if there was none.
func MayPass(err error, h http.Header) error { return &retryable{err: err, after: retryAfter(h)} }

// Passing reports whether err is one that MayPass.
func Passing(err error) bool {
	var again *retryable
	return errors.As(err, &again)
}

// Get makes r.Path the file at r.URL. A file that is already there, of the
// right size if that is known, is taken as it is. Two processes that want the
// same file take turns, and the second finds it there. After an error the part
// that came stays beside the path for the next Get, which resumes there if the
// server says that the file is still the same.
func Get(ctx context.Context, r Request) error {
	r = r.withDefaults()
	if there(r) {
		return nil
	}
	unlock, err := Lock(ctx, r.Lock)
	if err != nil {
		return err
	}
	defer unlock()
	if there(r) {
		return nil
	}
	p := &part{path: r.Path + ".part"}
	defer p.close()
	failures := 0
	for attempt := 1; ; attempt++ {
		before := p.size
		err := r.attempt(ctx, p)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("downloading %s: %w", r.URL, context.Cause(ctx))
		}
		var again *retryable
		if !errors.As(err, &again) {
			return fmt.Errorf("cannot download %s: %w", r.URL, err)
		}
		if failures++; p.size > before {
			failures = 1
		}
		if failures > r.Retries || attempt >= maxAttempts {
			return fmt.Errorf("gave up downloading %s after %d attempts with %d bytes got; the same command resumes there: %w", r.URL, attempt, p.size, err)
		}
		if err := pause(ctx, max(again.after, backoff(r.Backoff, failures))); err != nil {
			return fmt.Errorf("downloading %s: %w", r.URL, err)
		}
	}
	if err := r.verify(p); err != nil {
		p.discard()
		return fmt.Errorf("cannot use what %s sent: %w", r.URL, err)
	}
	return p.finish(r.Path)
}

// there reports whether the file is there from an earlier Get.
func there(r Request) bool {
	info, err := os.Stat(r.Path)
	return err == nil && info.Mode().IsRegular() && (r.Size == 0 || info.Size() == r.Size)
}

// retryable is an error that another attempt may not meet; after is how long
// the server asks to wait.
type retryable struct {
	err   error
	after time.Duration
}

func (e *retryable) Error() string { return e.err.Error() }
func (e *retryable) Unwrap() error { return e.err }

func backoff(first time.Duration, failures int) time.Duration {
	d := first
	for range min(failures, 10) - 1 {
		d *= 2
	}
	return min(d, 30*time.Second)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// remove is os.Remove that does not mind absence.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(dir string) {
	// Windows cannot open folders so and does not need it; elsewhere it only
	// adds safety against a power cut.
	if d, err := os.Open(filepath.Clean(dir)); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
