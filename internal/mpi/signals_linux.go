package mpi

import (
	"syscall"
	"unsafe"
)

// action is the kernel's struct sigaction on amd64 and arm64.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// handlers is what the process does on each signal.
type handlers [65]action

// saveHandlers reads all handlers, past the runtime and libc.
func saveHandlers() *handlers {
	h := &handlers{}
	for s := 1; s < len(h); s++ {
		_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&h[s])), 8, 0, 0)
	}
	return h
}

// restore puts back the handlers that a library has replaced. UCX, with which
// MPICH and Open MPI are often built, takes SIGSEGV and SIGHUP when it is loaded:
// a nil dereference that Go would make a panic of ends the process, and hangups
// are not seen any more. MPICH takes SIGUSR1 without SA_ONSTACK, which Go's
// small stacks cannot bear.
func (h *handlers) restore() {
	now := saveHandlers()
	for s := 1; s < len(h); s++ {
		if h[s].handler != now[s].handler || h[s].flags != now[s].flags {
			_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&h[s])), 0, 8, 0, 0)
		}
	}
}
