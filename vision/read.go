package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/mem"
)

// fileBuffers holds buffers for whole encoded files; decoders do not keep them.
var fileBuffers mem.Pool[[]byte]

// readBounded reads a whole file of at most limit bytes into a pooled buffer;
// give it back with giveBack.
func readBounded(path string, limit int64) (*[]byte, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%s: %w: %d bytes, the limit is %d (DecodeOptions.MaxBytes)", path, ErrTooLarge, size, limit)
	}
	b := fileBuffers.Get()
	n := int(size)
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	read := 0
	for read < n {
		k, err := f.Read((*b)[read:])
		read += k
		if err != nil {
			break // a file that shrank meanwhile decodes as truncated
		}
	}
	*b = (*b)[:read]
	return b, nil
}

// giveBack returns a buffer of readBounded, unless it is unusually large.
func giveBack(b *[]byte) {
	if cap(*b) <= 16<<20 {
		fileBuffers.Put(b)
	}
}
