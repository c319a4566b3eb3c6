package serve

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// picture is one encoded picture of a request.
type picture struct {
	name string
	data []byte
}

// maxFields bounds the parts of a form that are passed over.
const maxFields = 16

// body reads a request's whole body, within the limits on one and on all
// bodies. The caller calls done when the bytes are no longer needed.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (b []byte, done func(), err error) {
	held, err := s.open(w, r)
	if err != nil {
		return nil, nil, err
	}
	if b, err = readAll(held, r.ContentLength); err != nil {
		held.done()
		return nil, nil, shortBody(r, err)
	}
	return b, held.done, nil
}

// pictures reads a request's pictures: the body, or the files of a multipart
// body, limit at most. The caller calls done when they are no longer needed.
func (s *Server) pictures(w http.ResponseWriter, r *http.Request, limit int) (pics []picture, done func(), err error) {
	held, err := s.open(w, r)
	if err != nil {
		return nil, nil, err
	}
	if pics, err = split(held, r.ContentLength, r.Header.Get("Content-Type"), limit); err != nil {
		held.done()
		return nil, nil, shortBody(r, err)
	}
	return pics, held.done, nil
}

// open checks a body's declared length, if there is one, and returns the body
// with its limits.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (*budgetReader, error) {
	if r.ContentLength > s.opts.MaxBody {
		return nil, fail(http.StatusRequestEntityTooLarge, "body", "the body has %d bytes, the limit is %d", r.ContentLength, s.opts.MaxBody)
	}
	return &budgetReader{s: s, r: http.MaxBytesReader(w, r.Body, s.opts.MaxBody)}, nil
}

// shortBody words the error of a body that the client did not send whole.
func shortBody(r *http.Request, err error) error {
	var se *statusError
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &se) {
		return fail(http.StatusBadRequest, "body", "the body ends before its declared length of %d bytes", r.ContentLength)
	}
	return err
}

// budgetReader counts what it reads against the limit on all bodies.
type budgetReader struct {
	s    *Server
	r    io.Reader
	held int64
	err  error // of the body itself; parsers wrap it beyond recognition
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.held += int64(n)
	if b.s.bodies.Add(int64(n)) > b.s.opts.MaxBodies {
		err = fail(http.StatusServiceUnavailable, "bodies", "the bodies of all requests together have more than %d bytes, the limit; try again after the time in Retry-After", b.s.opts.MaxBodies)
	}
	b.err = err
	return n, err
}

func (b *budgetReader) done() {
	b.s.bodies.Add(-b.held)
	b.held = 0
}

// believed is how much room a body gets because its sender declared that it is
// so long: an ordinary picture's, and not more for all requests together than
// a service has.
const believed = 256 << 10

// readAll is io.ReadAll for a body whose sender declared length bytes (-1: did
// not). Beyond believed, the buffer doubles with what arrives, up to the declared
// length.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return readPart(r, length)
	}
	return readInto(make([]byte, 0, min(length+1, believed)), r, length) // one more, to see the end without growing
}

// readPart is readAll for a part of such a body, as there may be many of them.
func readPart(r io.Reader, length int64) ([]byte, error) {
	return readInto(make([]byte, 0, 4<<10), r, length)
}

// readInto appends what r has to b.
func readInto(b []byte, r io.Reader, length int64) ([]byte, error) {
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			size := 2 * cap(b)
			if int64(len(b)) <= length {
				size = min(size, int(length)+1)
			}
			b = append(make([]byte, 0, size), b...)
		}
	}
}

// cut is a reader of something that ended too early.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// split finds the pictures in a body of the declared length (-1: unknown). The
// parts of a multipart body are read as they arrive, so that no picture is in
// memory twice.
func split(body io.Reader, declared int64, contentType string, limit int) ([]picture, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		// What the body is, its first bytes tell; clients often send a wrong type.
		b, err := readAll(body, declared)
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
		if b, ok := body.(*budgetReader); ok && b.err != nil && !errors.Is(b.err, io.EOF) && !errors.Is(b.err, io.ErrUnexpectedEOF) {
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
	parts := multipart.NewReader(io.MultiReader(body, strings.NewReader("\r\n"), cut{}), params["boundary"])
	for fields := 0; ; {
		part, err := parts.NextRawPart()
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
			continue
		}
		if len(out) == limit {
			return nil, fail(http.StatusRequestEntityTooLarge, "pictures", "more than %d pictures in one request, the limit", limit)
		}
		b, err := readPart(part, declared)
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
