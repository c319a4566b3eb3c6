//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/whippet-ml/whippet/internal/launcher"
)

// Start connects this process with the other ranks that the launcher started. It
// is called once in a process.
func Start(from launcher.Launcher) (*Group, error) {
	if from.Refused != "" {
		return nil, fmt.Errorf("mpi: %s", from.Refused)
	}
	// From before the library is loaded, as loading is when UCX takes signals.
	saved := saveHandlers()
	g, err := connect(from)
	saved.restore()
	if err != nil {
		return nil, fmt.Errorf("mpi: %w", err)
	}
	return g, nil
}

// connect loads the library, initializes it and asks who this rank is.
func connect(from launcher.Launcher) (*Group, error) {
	l, err := load(from)
	if err != nil {
		return nil, err
	}
	g := &Group{lib: l}
	level := new(int32)
	if err := l.call(initThread, 0, 0, uintptr(l.abi.multiple), uintptr(unsafe.Pointer(level))); err != nil {
		return nil, err
	}
	if *level < l.abi.serialized {
		return nil, fmt.Errorf("%s (%s) lets only the main thread call it (level %d): a Go program needs MPI_THREAD_SERIALIZED or MPI_THREAD_MULTIPLE; build or choose an MPI with threads",
			l.path, l.version, *level)
	}
	g.concurrent = *level >= l.abi.multiple
	for _, c := range []uintptr{l.abi.world, l.abi.self} {
		if err := l.call(commSetErrhandler, c, l.abi.errorsReturn); err != nil {
			return nil, err
		}
	}
	for _, t := range []struct {
		handle uintptr
		size   int
	}{{l.abi.float, 4}, {l.abi.byte, 1}} {
		if n, err := l.integer(typeSize, t.handle); err != nil || n != t.size {
			return nil, fmt.Errorf("%s (%s): %w", l.path, l.version, errNotMPI)
		}
	}
	if g.rank, err = l.integer(commRank, l.abi.world); err != nil {
		return nil, err
	}
	if g.size, err = l.integer(commSize, l.abi.world); err != nil {
		return nil, err
	}
	if from.Size > 0 && g.size != from.Size || from.Rank >= 0 && g.rank != from.Rank {
		return nil, fmt.Errorf("%s started %s, but by %s (%s) this is rank %d of %d: the library is not the launcher's; load the module or name the file that belongs to the launcher with %s=FILE%s",
			from.Name, place(from), l.path, l.version, g.rank, g.size, Variable, otherInterface(from))
	}
	// Ranks on the same machine.
	node := new(uint64) // a handle of 4 or 8 bytes; both systems are little-endian
	if err := l.call(commSplitType, l.abi.world, uintptr(l.abi.sharedMemory), 0, l.abi.infoNull, uintptr(unsafe.Pointer(node))); err != nil {
		return nil, err
	}
	if g.nodeRank, err = l.integer(commRank, uintptr(*node)); err != nil {
		return nil, err
	}
	if g.nodeSize, err = l.integer(commSize, uintptr(*node)); err != nil {
		return nil, err
	}
	return g, nil
}

// otherInterface says what else helps under srun, whose ranks are connected by libraries that know the
// interface it was told.
func otherInterface(from launcher.Launcher) string {
	if !strings.HasPrefix(from.Name, "srun") {
		return ""
	}
	return ", or another interface to srun: Open MPI needs --mpi=pmix, an MPICH that was built without PMIx --mpi=pmi2"
}

// place is what a launcher says of this process.
func place(from launcher.Launcher) string {
	switch {
	case from.Size == 0:
		return fmt.Sprintf("this process as rank %d", from.Rank)
	case from.Rank < 0:
		return fmt.Sprintf("%d ranks", from.Size)
	default:
		return fmt.Sprintf("rank %d of %d", from.Rank, from.Size)
	}
}

// Name says which library connects the ranks: what it calls itself, and its file.
func (g *Group) Name() string { return fmt.Sprintf("%s (%s)", g.lib.version, g.lib.path) }

// Exit ends MPI, when all ranks call it, and then the process with the given code.
// A process that ends without it lets launchers end the other ranks.
//
// It leaves by libc's exit: what MPICH 5 tells its launcher at the end it tells in
// a function that libc calls then. os.Exit passes over it, which the launcher takes
// for a crash.
func (g *Group) Exit(code int) {
	if err := g.lib.call(finalize); err != nil {
		fmt.Fprintln(os.Stderr, "whippet:", err)
		code = max(code, 1)
	}
	if exit, err := purego.Dlsym(purego.RTLD_DEFAULT, "exit"); err == nil {
		purego.SyscallN(exit, uintptr(code))
	}
	os.Exit(code)
}

// Abort implements distributed.Group: it prints the reason and ends all ranks. It
// does not return.
func (g *Group) Abort(reason error) {
	g.ended.Do(func() {
		if g.rank > 0 { // when all have the same reason, one says it
			time.Sleep(500 * time.Millisecond)
		}
		fmt.Fprintf(os.Stderr, "whippet: rank %d: %v\n", g.rank, reason)
		// The launcher passes this on before it is told of the end, of which it and
		// the library have much to say.
		time.Sleep(200 * time.Millisecond)
		if g.concurrent {
			_ = g.lib.call(abort, g.lib.abi.world, 1)
		}
		os.Exit(1) // launchers end the others then
	})
	select {} // while another goroutine ends the process
}
