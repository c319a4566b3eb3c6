package files

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestDiskFull(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("writing: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), true},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, true},
		{errors.Join(errors.New("first"), syscall.ENOSPC), true},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EACCES}, false},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EFBIG}, false},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EROFS}, false},
		{nil, false},
	} {
		if got := DiskFull(c.err); got != c.want {
			t.Errorf("DiskFull(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}
