package serve

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// grace is how long a body may be slower than Options.BodyRate.
const grace = 5 * time.Second

// pacedBody reads a request's body as it arrives, and gives up when it comes
// slower than the least rate or not before the end of the request's time: a
// client must not hold a connection for long by sending a byte a second.
type pacedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	rate  int // least bytes a second
	start time.Time
	end   time.Time
	n     int64
	chunk bool // the body comes in chunks
}

func (s *Server) paced(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	r.Body = &pacedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), rate: s.opts.BodyRate,
		start: now, end: now.Add(s.opts.Timeout), chunk: len(r.TransferEncoding) > 0}
}

// deadline is when the next byte must be there.
func (b *pacedBody) deadline() time.Time {
	t := b.start.Add(grace + time.Duration(b.n)*time.Second/time.Duration(b.rate))
	if t.After(b.end) {
		return b.end
	}
	return t
}

func (b *pacedBody) Read(p []byte) (int, error) {
	deadline := b.deadline()
	_ = b.conn.SetReadDeadline(deadline) // connections without deadlines (in tests) do without
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if err == nil {
		return n, nil
	}
	var timeout net.Error
	switch {
	case errors.Is(err, io.EOF):
		_ = b.conn.SetReadDeadline(time.Time{}) // or it would end the request's context
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		if deadline.Before(b.end) {
			err = fail(http.StatusRequestTimeout, "slow", "the body came slower than %d bytes a second, the least rate", b.rate)
		}
	case errors.Is(err, io.ErrUnexpectedEOF), timeout != nil:
	case b.chunk:
		// What else net/http says about a body is about its chunks.
		err = fail(http.StatusBadRequest, "chunks", "the chunked transfer encoding of the body is malformed: %.100s", err)
	}
	return n, err
}
