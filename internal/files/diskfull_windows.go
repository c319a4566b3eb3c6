package files

import "golang.org/x/sys/windows"

// moreDiskFull are the system's own words for a full disk.
var moreDiskFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
