//go:build unix

package files

import (
	"math"
	"syscall"
)

// SizeLimit returns the size, in bytes, that files of this process may have, and
// whether there is such a limit (setrlimit's RLIMIT_FSIZE, the shell's ulimit -f).
func SizeLimit() (limit int64, limited bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil || uint64(r.Cur) >= math.MaxInt64 {
		return 0, false
	}
	return int64(r.Cur), true
}
