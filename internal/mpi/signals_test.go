//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

func init() { roles["signals"] = underSignals }

// underSignals exchanges floats while the process gets all signals that a Go program
// lives with, twenty times at least: of nil dereferences that are recovered, of
// goroutines that are preempted, of children that end, and of a person.
func underSignals(g *Group) error {
	if g.Rank() == 0 {
		fmt.Println(g.Name())
	}
	asked := make(chan os.Signal, 100)
	signal.Notify(asked, syscall.SIGHUP, syscall.SIGUSR1)
	var stop atomic.Bool
	var recovered, children, spun atomic.Int64
	repeat := func(pause time.Duration, f func()) {
		go func() {
			for !stop.Load() {
				f()
				time.Sleep(pause)
			}
		}()
	}
	repeat(time.Millisecond, func() {
		defer func() {
			if recover() != nil {
				recovered.Add(1)
			}
		}()
		var p *[1 << 10]int
		spun.Add(int64(p[7]))
	})
	repeat(5*time.Millisecond, func() {
		if exec.Command("true").Run() == nil {
			children.Add(1)
		}
	})
	repeat(0, func() { // without calls, so only a signal preempts it
		n := int64(0)
		for i := range int64(20_000_000) {
			n += i
		}
		spun.Add(n)
	})
	repeat(time.Millisecond, runtime.GC)
	seen := map[os.Signal]int{}
	x, recv := g.Buffer(8*3000*g.Size()), g.Buffer(8*3000*g.Size())
	for again := true; again; {
		for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				return err
			}
			select {
			case got := <-asked:
				seen[got]++
			case <-time.After(10 * time.Second):
				return fmt.Errorf("%v was not seen", s)
			}
		}
		for i := range x {
			x[i] = float32(g.Rank())
		}
		if err := g.AllToAll(recv, x); err != nil {
			return err
		}
		for i, v := range recv {
			if want := float32(i / (8 * 3000)); want != float32(g.Rank()) && v != want {
				return fmt.Errorf("float %d is %g, want %g", i, v, want)
			}
		}
		// All ranks do the same number of rounds.
		enough := seen[syscall.SIGHUP] >= 20 && recovered.Load() >= 20 && children.Load() >= 20
		all, err := g.AllGatherBytes([]byte(strconv.FormatBool(enough)))
		if err != nil {
			return err
		}
		again = slices.ContainsFunc(all, func(b []byte) bool { return string(b) == "false" })
	}
	stop.Store(true)
	if seen[syscall.SIGHUP] != seen[syscall.SIGUSR1] {
		return fmt.Errorf("%d hangups and %d SIGUSR1 were seen, of as many each", seen[syscall.SIGHUP], seen[syscall.SIGUSR1])
	}
	fmt.Println("signals done")
	return nil
}

// TestSignals is met by MPICH with UCX and by Open MPI only because the handlers
// are put back.
func TestSignals(t *testing.T) {
	slow.Test(t)
	for _, m := range mpirun.Installed(t) {
		must(t, m, 2, "signals")
	}
}
