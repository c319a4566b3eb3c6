//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory returns the highest resident size of a process that has ended, in
// bytes.
func peakMemory(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss // bytes there, kilobytes elsewhere
	}
	return int64(u.Maxrss) * 1024
}
