package mpi

import (
	"syscall"
	"time"
)

// nap sleeps for d by asking the system: time.Sleep of less than a millisecond takes a whole
// one where no other goroutine is ready to run.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early, which does no harm
}
