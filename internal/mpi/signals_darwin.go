package mpi

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// action is libc's struct sigaction, through which Go sets its handlers too.
type action struct {
	handler uintptr
	mask    uint32
	flags   int32
}

// handlers is what the process does on each signal.
type handlers [32]action

// sigaction is libc's; 0 where it is not found.
func sigaction() uintptr {
	f, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction")
	if err != nil {
		return 0
	}
	return f
}

// saveHandlers reads all handlers.
func saveHandlers() *handlers {
	h := &handlers{}
	if f := sigaction(); f != 0 {
		for s := 1; s < len(h); s++ {
			purego.SyscallN(f, uintptr(s), 0, uintptr(unsafe.Pointer(&h[s])))
		}
	}
	return h
}

// restore puts back the handlers that a library has replaced, as MPI libraries do
// for SIGSEGV and others, which Go needs for itself.
func (h *handlers) restore() {
	now, f := saveHandlers(), sigaction()
	for s := 1; s < len(h); s++ {
		if h[s].handler != now[s].handler || h[s].flags != now[s].flags {
			purego.SyscallN(f, uintptr(s), uintptr(unsafe.Pointer(&h[s])), 0)
		}
	}
}
