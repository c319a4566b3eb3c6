package files

import (
	"errors"
	"syscall"
)

// DiskFull reports whether err says that the disk, or the user's share of it,
// has no room left: the one failure of writing that passes when somebody makes
// room, so that it is worth a second try.
func DiskFull(err error) bool {
	for _, full := range diskFull {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}

var diskFull = append([]error{syscall.ENOSPC, syscall.EDQUOT}, moreDiskFull...)
