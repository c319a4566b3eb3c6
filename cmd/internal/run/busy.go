package run

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Busy reports whether a process works on the unfinished run in a folder: whether
// the folder's lock is held. Where there are no locks, as on some network file
// systems, the answer is false.
func Busy(partial string) bool {
	// Only what is there is opened: looking at a run changes nothing in its folder.
	l := flock.New(filepath.Join(partial, lockFile), flock.SetFlag(os.O_RDONLY))
	defer l.Close()
	ok, err := l.TryRLock()
	return !ok && (err == nil || !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, errors.ErrUnsupported))
}
