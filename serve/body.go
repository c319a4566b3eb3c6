package serve

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// picture is one encoded picture of a request.
type picture struct {
	name string
	data []byte
}

// maxFields bounds the parts of a form that are passed over.
const maxFields = 16

// body reads a request's whole body, within the limits on one and on all
// bodies, and then waits for a turn. The caller calls done when the bytes are no
// longer needed and the work is done.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (b []byte, done func(), err error) {
	done, err = s.received(w, r, s.requests, func(body io.Reader, held *account) (err error) {
		b, err = readAll(body, r.ContentLength, held)
		return err
	})
	return b, done, err
}

// pictures reads a request's pictures: the body, or the files of a multipart
// body, limit at most, and then waits for a turn. The caller calls done when
// they are no longer needed and the work is done.
func (s *Server) pictures(w http.ResponseWriter, r *http.Request, limit int, turn *gate) (pics []picture, done func(), err error) {
	done, err = s.received(w, r, turn, func(body io.Reader, held *account) (err error) {
		pics, err = split(body, r.ContentLength, r.Header.Get("Content-Type"), limit, held)
		return err
	})
	return pics, done, err
}

// received reads a body with read, and then takes a turn: a request whose body
// comes slowly keeps no other from being worked on.
func (s *Server) received(w http.ResponseWriter, r *http.Request, turn *gate, read func(io.Reader, *account) error) (done func(), err error) {
	if r.ContentLength > s.opts.MaxBody {
		return nil, fail(http.StatusRequestEntityTooLarge, "body", "the body has %d bytes, the limit is %d", r.ContentLength, s.opts.MaxBody)
	}
	full := fail(http.StatusServiceUnavailable, "requests", "%d requests are being worked on, the limit, and none was finished in time; try again after the time in Retry-After", turn.size)
	if turn.waiting() >= turn.line { // a body would be read for nothing
		pause(r.Context(), s.opts.QueueTimeout)
		return nil, full
	}
	s.receiving.Add(1)
	held := &account{total: &s.bodies, limit: s.opts.MaxBodies, most: s.opts.MaxBody}
	err = read(&bodyReader{r: http.MaxBytesReader(w, r.Body, s.opts.MaxBody)}, held)
	s.receiving.Add(-1)
	if err != nil {
		held.done()
		return nil, shortBody(r, err)
	}
	if err := patienceOf(r.Context()).enter(r.Context(), turn, 1); err != nil {
		held.done()
		if errors.Is(err, errFull) {
			return nil, full
		}
		return nil, err
	}
	return func() { turn.leave(1); held.done() }, nil
}

// shortBody words the error of a body that the client did not send whole.
func shortBody(r *http.Request, err error) error {
	var se *statusError
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &se) {
		return fail(http.StatusBadRequest, "body", "the body ends before its declared length of %d bytes", r.ContentLength)
	}
	return err
}

// bodyReader remembers the error of the body itself; parsers wrap it beyond
// recognition.
type bodyReader struct {
	r   io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.err = err
	return n, err
}

// account counts the memory that a request's body has, filled or not, against
// the limit for all bodies. Memory is counted before it is asked for.
type account struct {
	total *atomic.Int64 // of all requests
	limit int64
	most  int64 // bytes that a body can have
	held  int64
}

// take counts n more bytes, or none and an error.
func (a *account) take(n int64) error {
	if a.total.Add(n) > a.limit {
		a.total.Add(-n)
		return fail(http.StatusServiceUnavailable, "bodies", "the bodies of all requests together would take more than %d bytes of memory, the limit; try again after the time in Retry-After", a.limit)
	}
	a.held += n
	return nil
}

// give says that n bytes are no longer used.
func (a *account) give(n int64) {
	a.total.Add(-n)
	a.held -= n
}

func (a *account) done() { a.give(a.held) }

// maxPrealloc is how much room a body gets because its sender declared that it is
// so long: an ordinary picture's, and not more for all requests together than
// a service has.
const maxPrealloc = 256 << 10

// readAll is io.ReadAll for a body whose sender declared length bytes (-1: did
// not). Beyond maxPrealloc, the buffer doubles with what arrives, up to the declared
// length.
func readAll(r io.Reader, length int64, held *account) ([]byte, error) {
	if length < 0 {
		return readPart(r, length, held)
	}
	return readInto(r, min(length+1, maxPrealloc), length, held) // one more, to see the end without growing
}

// readPart is readAll for a part of such a body, as there may be many of them.
func readPart(r io.Reader, length int64, held *account) ([]byte, error) {
	return readInto(r, 4<<10, length, held)
}

// readInto reads all that r has, into a buffer of size bytes at first. No buffer
// is larger than a body can be.
func readInto(r io.Reader, size, length int64, held *account) ([]byte, error) {
	top := held.most + 1
	if length >= 0 {
		top = min(top, length+1)
	}
	size = min(size, top)
	if err := held.take(size); err != nil {
		return nil, err
	}
	b := make([]byte, 0, size)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) < cap(b) {
			continue
		}
		old := int64(cap(b))
		size := min(2*old, top)
		if size == old { // r is longer than it can be: it says so itself when it is read
			size++
		}
		if err := held.take(size); err != nil {
			return nil, err
		}
		b = append(make([]byte, 0, size), b...)
		held.give(old)
	}
}

// maxPartHeader bounds the header of a form's part, which has a few lines, with
// what stands before it.
const maxPartHeader = 64 << 10

// headerReader bounds what is read while left is not negative.
type headerReader struct {
	r    io.Reader
	left int
}

func (h *headerReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if h.left >= 0 {
		if h.left -= n; h.left < 0 {
			return 0, fail(http.StatusBadRequest, "multipart", "the header of a part of the form has more than %d bytes, or its boundary is missing", maxPartHeader)
		}
	}
	return n, err
}

// cut is a reader of something that ended too early.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// split finds the pictures in a body of the declared length (-1: unknown). The
// parts of a multipart body are read as they arrive, so that no picture is in
// memory twice.
func split(body io.Reader, declared int64, contentType string, limit int, held *account) ([]picture, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		// What the body is, its first bytes tell; clients often send a wrong type.
		b, err := readAll(body, declared, held)
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			return nil, fail(http.StatusBadRequest, "empty", "the body is empty; send a picture, or multipart/form-data with pictures")
		}
		return []picture{{"", b}}, nil
	}
	if params["boundary"] == "" {
		return nil, fail(http.StatusBadRequest, "multipart", "Content-Type %.100q has no boundary", contentType)
	}
	damaged := func(err error) error {
		var se *statusError
		if errors.As(err, &se) {
			return se
		}
		if b, ok := body.(*bodyReader); ok && b.err != nil && !errors.Is(b.err, io.EOF) && !errors.Is(b.err, io.ErrUnexpectedEOF) {
			return b.err // a limit, and not the form's fault
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fail(http.StatusBadRequest, "multipart", "the multipart body ends before its last boundary, --%.70s--: it is cut short, or Content-Type has another boundary", params["boundary"])
		}
		return fail(http.StatusBadRequest, "multipart", "the multipart body is damaged: %.200s", err)
	}
	var out []picture
	// A form ends with its last boundary. To multipart.Reader a body that ends among
	// the headers of a part looks the same, hence an error in place of its end; the
	// new line is for a last boundary without one.
	headers := &headerReader{r: io.MultiReader(body, strings.NewReader("\r\n"), cut{})}
	parts := multipart.NewReader(headers, params["boundary"])
	for fields := 0; ; {
		headers.left = maxPartHeader
		part, err := parts.NextRawPart()
		headers.left = -1
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, damaged(err)
		}
		name := part.FileName()
		if name == "" && !strings.HasPrefix(part.Header.Get("Content-Type"), "image/") {
			if fields++; fields > maxFields {
				return nil, fail(http.StatusBadRequest, "multipart", "more than %d form fields that are no files", maxFields)
			}
			if _, err := io.Copy(io.Discard, part); err != nil {
				return nil, damaged(err)
			}
			continue
		}
		if len(out) == limit {
			return nil, fail(http.StatusRequestEntityTooLarge, "pictures", "more than %d pictures in one request, the limit", limit)
		}
		if e := part.Header.Get("Content-Transfer-Encoding"); e != "" && !slices.Contains([]string{"binary", "8bit", "7bit"}, strings.ToLower(e)) {
			return nil, fail(http.StatusBadRequest, "multipart", "a part of the form has Content-Transfer-Encoding %.50q, which forms do not have: send the bytes as they are", e)
		}
		b, err := readPart(part, declared, held)
		if err != nil {
			return nil, damaged(err)
		}
		out = append(out, picture{name, b})
	}
	if len(out) == 0 {
		return nil, fail(http.StatusBadRequest, "empty", "the form has no file; send pictures as parts with a file name")
	}
	return out, nil
}
