package serve

import (
	"bytes"
	"sync"
)

// maxHead bounds what is kept of a request's header: net/http reads no more
// than Server.MaxHeaderBytes and 4096 bytes.
const maxHead = maxHeader + 8<<10

// requestHead looks at the header of each request as it arrives, since net/http
// hides one thing: that a request gave its length in two ways, Content-Length
// and Transfer-Encoding. A proxy in front may have believed the other one, and
// would then take a part of the body for a request, or the reverse (request
// smuggling; RFC 9112, section 6.1).
type requestHead struct {
	mu    sync.Mutex
	b     []byte
	ended bool // the empty line came, or too much
	whole bool // b begins with a request's first line
	both  bool // both lengths are given
}

// begin says that what arrives next is a new request. The first byte of it may
// have been read already.
func (h *requestHead) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.b, h.ended, h.whole, h.both = h.b[:0], false, false, false
}

// see takes bytes as they are read from the connection.
func (h *requestHead) see(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || len(p) == 0 {
		return
	}
	from := max(len(h.b)-3, 0)
	h.b = append(h.b, p[:min(len(p), maxHead-len(h.b))]...)
	end := -1
	for _, blank := range []string{"\r\n\r\n", "\n\n", "\n\r\n"} {
		if i := bytes.Index(h.b[from:], []byte(blank)); i >= 0 && (end < 0 || from+i < end) {
			end = from + i
		}
	}
	if end < 0 && len(h.b) < maxHead {
		return
	}
	h.ended = true
	if end >= 0 {
		h.parse(h.b[:end])
	}
	if cap(h.b) > 8<<10 { // an idle connection keeps little
		h.b = nil
	}
}

func (h *requestHead) parse(b []byte) {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	h.whole = bytes.Contains(first, []byte(" HTTP/1."))
	var length, encoding bool
	for line := range bytes.Lines(rest) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		name = bytes.TrimSpace(name)
		length = length || bytes.EqualFold(name, []byte("Content-Length"))
		encoding = encoding || bytes.EqualFold(name, []byte("Transfer-Encoding"))
	}
	h.both = length && encoding
}

// ambiguous reports whether the length of the request that came last was given
// in two ways; chunked says that it came in chunks. One in chunks that was sent
// before the answer to the request ahead of it, which no client does and an
// attack has to, counts too.
func (h *requestHead) ambiguous(chunked bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.both || chunked && !h.whole
}
