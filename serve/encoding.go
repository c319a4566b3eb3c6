package serve

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// decoded replaces a compressed body by one that unpacks what is read from it.
// Both what arrives and what comes out are bounded by MaxBody: here the first,
// and the second where the body is read.
func (s *Server) decoded(w http.ResponseWriter, r *http.Request) error {
	switch encoding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ", "))); encoding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		if r.ContentLength > s.opts.MaxBody {
			return nil // refused for its length where it is read
		}
		r.Body = &gzipBody{raw: http.MaxBytesReader(w, r.Body, s.opts.MaxBody)}
		r.ContentLength = -1
		return nil
	default:
		w.Header().Set("Accept-Encoding", "gzip, identity")
		return fail(http.StatusUnsupportedMediaType, "encoding", "Content-Encoding %.50q is not supported; send the body as it is, or with gzip", encoding)
	}
}

func isFlateError(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// gzipBody unpacks raw; nothing is read from it before the first Read.
type gzipBody struct {
	raw io.ReadCloser
	z   *gzip.Reader
	err error
}

func (b *gzipBody) Read(p []byte) (n int, err error) {
	if b.z == nil && b.err == nil {
		b.z, b.err = gzip.NewReader(b.raw)
	}
	if b.err == nil {
		n, b.err = b.z.Read(p)
	}
	switch {
	case errors.Is(b.err, gzip.ErrHeader), errors.Is(b.err, gzip.ErrChecksum), isFlateError(b.err):
		b.err = fail(http.StatusBadRequest, "encoding", "the body is not what its Content-Encoding says: %s", b.err)
	case errors.Is(b.err, io.ErrUnexpectedEOF), b.z == nil && errors.Is(b.err, io.EOF):
		b.err = fail(http.StatusBadRequest, "encoding", "the gzip body is cut short")
	}
	return n, b.err
}

func (b *gzipBody) Close() error { return b.raw.Close() }
