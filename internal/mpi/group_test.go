//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

var _ distributed.Group = (*Group)(nil)

func init() {
	roles["calls"] = calls
	roles["abort"] = func(g *Group) error {
		if g.Rank() == 1 {
			return errors.New("the disk of this rank is gone")
		}
		return g.Barrier()
	}
	roles["wrong call"] = func(g *Group) error {
		var e *Error
		if err := g.broadcast(g.Size()+7, []byte("x")); !errors.As(err, &e) || e.Function != "MPI_Bcast" || !strings.Contains(strings.ToLower(e.Text), "root") {
			return fmt.Errorf("a broadcast from a rank that is none: %v", err)
		}
		fmt.Println("wrong call done")
		return nil
	}
}

// calls makes every call and checks what it brings.
func calls(g *Group) error {
	p := g.Size()
	// Blocks of no float, of few, of one message and of several.
	for _, n := range []int{0, 3, message, 2*message + 1} {
		send, recv := g.Buffer(n*p), g.Buffer(n*p)
		value := func(from, to, i int) float32 { return float32(from*100 + to*10 + i%7) }
		for r := range p {
			for i := range n {
				send[r*n+i] = value(g.Rank(), r, i)
			}
		}
		if err := g.AllToAll(recv, send); err != nil {
			return err
		}
		for r := range p {
			for i := range n {
				want := value(r, g.Rank(), i)
				if r == g.Rank() {
					want = 0 // left as it was
				}
				if recv[r*n+i] != want {
					return fmt.Errorf("AllToAll of blocks of %d: float %d of rank %d is %g, want %g", n, i, r, recv[r*n+i], want)
				}
			}
		}
		clear(recv)
		for i := range n {
			recv[g.Rank()*n+i] = value(g.Rank(), 0, i)
		}
		if err := g.AllGather(recv); err != nil {
			return err
		}
		for r := range p {
			for i := range n {
				if recv[r*n+i] != value(r, 0, i) {
					return fmt.Errorf("AllGather of blocks of %d: float %d of rank %d is %g, want %g", n, i, r, recv[r*n+i], value(r, 0, i))
				}
			}
		}
	}
	if err := g.AllToAll(make([]float32, p), make([]float32, p+1)); err == nil {
		return errors.New("AllToAll took arrays of different lengths")
	}
	for _, n := range []int{0, 1, 3 << 20} {
		var b []byte
		if g.Rank() == 0 {
			b = bytes.Repeat([]byte("ab"), n)
		}
		b, err := g.Broadcast(b)
		if err != nil || !bytes.Equal(b, bytes.Repeat([]byte("ab"), n)) {
			return fmt.Errorf("Broadcast of %d bytes gave %d, %v", 2*n, len(b), err)
		}
	}
	all, err := g.AllGatherBytes(bytes.Repeat([]byte{byte(g.Rank())}, 1000*g.Rank()))
	if err != nil {
		return err
	}
	for r, b := range all {
		if !bytes.Equal(b, bytes.Repeat([]byte{byte(r)}, 1000*r)) {
			return fmt.Errorf("AllGatherBytes gave %d bytes for rank %d", len(b), r)
		}
	}
	if r, n := g.Node(); n != p || r != g.Rank() {
		return fmt.Errorf("rank %d of %d on this machine, want %d of %d", r, n, g.Rank(), p)
	}
	if err := g.Barrier(); err != nil {
		return err
	}
	fmt.Println("calls done")
	return nil
}

func TestCalls(t *testing.T) {
	slow.Test(t)
	for _, m := range mpirun.Installed(t) {
		for _, p := range []int{1, 2, 3, 4} {
			must(t, m, p, "calls")
		}
	}
}

// TestErrors makes the library refuse a call, and looks for its words.
func TestErrors(t *testing.T) {
	slow.Test(t)
	for _, m := range mpirun.Installed(t) {
		must(t, m, 2, "wrong call")
	}
}

// TestAbort wants the reason first, before what launchers say about the end.
func TestAbort(t *testing.T) {
	slow.Test(t)
	for _, m := range mpirun.Installed(t) {
		out, err := run(t, m, 2, "abort")
		if err == nil || !strings.HasPrefix(strings.TrimSpace(out), "whippet: rank 1: the disk of this rank is gone") {
			t.Errorf("%s: %v\n%s", m.Name, err, out)
		}
	}
}

// TestWrongLibrary gives the ranks of each launcher the libraries of the others,
// with which each rank would be alone, and files that are no MPI library.
func TestWrongLibrary(t *testing.T) {
	slow.Test(t)
	all := mpirun.Installed(t)
	for _, c := range []struct{ library, says string }{
		{"libm.so.6", "it has no function MPI_Init_thread"},
		{"/nonexistent/libmpi.so", "/nonexistent/libmpi.so"},
	} {
		if out, err := run(t, all[0], 2, "calls", Variable+"="+c.library); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%s=%s: %v\n%s\nwant %q", Variable, c.library, err, out, c.says)
		}
	}
	other := map[bool]string{true: "libmpich.so.12", false: "libmpi.so.40"}
	for _, m := range all[:min(2, len(all))] {
		library := other[m.OpenMPI]
		out, err := run(t, m, 2, "calls", Variable+"="+library)
		if strings.Contains(out, "cannot open shared object") {
			continue // not installed
		}
		if err == nil || !strings.Contains(out, "the library is not the launcher's") {
			t.Errorf("%s with %s: %v\n%s", m.Name, library, err, out)
		}
	}
}
