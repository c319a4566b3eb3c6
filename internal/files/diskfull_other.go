//go:build !windows

package files

// moreDiskFull is empty where ENOSPC and EDQUOT say it all.
var moreDiskFull []error
