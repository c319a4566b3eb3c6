package files

import (
	"errors"
	"os"
	"syscall"
	"time"
)

const errorSharingViolation = syscall.Errno(32)

// rename retries for up to about a second while another program holds one of
// the files open, which on Windows makes a rename fail.
func rename(from, to string) error {
	wait := 5 * time.Millisecond
	for {
		err := os.Rename(from, to)
		busy := errors.Is(err, errorSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if err == nil || !busy || wait > 640*time.Millisecond {
			return err
		}
		time.Sleep(wait)
		wait *= 2
	}
}

// syncDir does nothing: Windows has no way to sync a directory, and NTFS
// journals the rename.
func syncDir(string) error { return nil }
