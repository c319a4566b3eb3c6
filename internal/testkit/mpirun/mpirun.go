// Package mpirun finds the MPIs of this machine and starts programs on ranks of them.
// Only tests import it.
package mpirun

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Variable is the environment variable that names more launchers than those on PATH: a
// list of files, as PATH is one of folders.
const Variable = "WHIPPET_TEST_MPIRUN"

// MPI is an MPI of this machine, or another launcher of its programs.
type MPI struct {
	Name    string   // the launcher's file, and the interface if it is not the launcher's own
	OpenMPI bool     // MPICH or one of its kin otherwise
	Library string   // value of WHIPPET_MPI, "" for what the program finds
	Start   []string // the launcher and its flags, without the number of ranks
}

// Installed finds the launchers on PATH, under the names that Debian gives them too, and
// those of Variable, in this order. The MPI 5.0 interface of a launcher's library, where
// it has one, is an MPI of its own. It skips the test when there is none.
func Installed(t testing.TB) (all []MPI) {
	t.Helper()
	var paths []string
	for _, name := range []string{"mpirun.openmpi", "mpirun.mpich", "mpirun"} {
		if p, err := exec.LookPath(name); err == nil && (name != "mpirun" || len(paths) == 0) {
			paths = append(paths, p)
		}
	}
	for _, p := range append(paths, filepath.SplitList(os.Getenv(Variable))...) {
		out, err := exec.Command(p, "--version").CombinedOutput()
		if err != nil {
			t.Fatalf("%s --version: %v\n%s", p, err, out)
		}
		m := MPI{Name: p, Start: []string{p}}
		if bytes.Contains(out, []byte("Open MPI")) || bytes.Contains(out, []byte("OpenRTE")) {
			m.OpenMPI = true
			m.Start = append(m.Start, "--oversubscribe", "--bind-to", "none")
		}
		all = append(all, m)
		neutral := filepath.Join(filepath.Dir(p), "../lib/libmpi_abi.so.1")
		if _, err := os.Stat(neutral); err == nil {
			m.Name, m.Library = p+" with the ABI of MPI 5.0", neutral
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		t.Skip("no mpirun on PATH")
	}
	return all
}

// Command is a program on some ranks; the caller sets its folder and its output. It is killed
// with ctx.
func (m MPI) Command(ctx context.Context, ranks int, program string, args ...string) *exec.Cmd {
	all := slices.Concat(m.Start, []string{"-n", strconv.Itoa(ranks), program}, args)
	c := exec.CommandContext(ctx, all[0], all[1:]...)
	c.Env = append(os.Environ(), "WHIPPET_MPI="+m.Library, "GOMAXPROCS=2",
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "PRTE_ALLOW_RUN_AS_ROOT=1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	c.WaitDelay = 5 * time.Second // ranks that outlive their launcher hold its output open
	return c
}

// Within is the test's context for at most d, and for what is left until go test's own
// limit, so that no rank outlives the test and what it printed is told.
func Within(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(d)
	if l, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if limit, bounded := l.Deadline(); bounded && limit.Add(-15*time.Second).Before(end) {
			end = limit.Add(-15 * time.Second)
		}
	}
	return context.WithDeadline(t.Context(), end)
}
