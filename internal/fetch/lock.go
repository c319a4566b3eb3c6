package fetch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lock takes the lock file at path, waiting for another process (or another
// goroutine) that has it, and returns the function that gives it back. The
// system frees the lock of a process that dies. The file itself stays: removing
// it would let two processes hold two locks of one name.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder for downloads: %w; set WHIPPET_HOME to one that can be written", err)
	}
	l := flock.New(path)
	ok, err := l.TryLockContext(ctx, 50*time.Millisecond)
	if err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("cannot take the lock %s", path)
	}
	return func() { _ = l.Unlock() }, nil
}
