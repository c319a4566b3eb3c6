//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/launcher"
)

// roles are what ranks of the test binary do instead of tests, when it is started
// by a launcher with the variable asRole.
var roles = map[string]func(g *Group) error{}

const asRole = "WHIPPET_TEST_ROLE"

func TestMain(m *testing.M) {
	name := os.Getenv(asRole)
	if name == "" {
		os.Exit(m.Run())
	}
	from, ok := launcher.Detect(os.Getenv)
	if !ok {
		fmt.Println("no launcher detected")
		os.Exit(3)
	}
	g, err := Start(from)
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	if err := roles[name](g); err != nil {
		g.Abort(err)
	}
	g.Exit(0)
}

// installed is an MPI of this machine.
type installed struct {
	name, mpirun string
	flags        []string
	library      string // value of WHIPPET_MPI
}

// installations finds the launchers on PATH, under the names that Debian gives
// them too, and those of WHIPPET_TEST_MPIRUN, a list of files.
func installations(t *testing.T) (all []installed) {
	t.Helper()
	var paths []string
	for _, name := range []string{"mpirun.openmpi", "mpirun.mpich", "mpirun"} {
		if p, err := exec.LookPath(name); err == nil && (name != "mpirun" || len(paths) == 0) {
			paths = append(paths, p)
		}
	}
	for _, p := range append(paths, filepath.SplitList(os.Getenv("WHIPPET_TEST_MPIRUN"))...) {
		out, err := exec.Command(p, "--version").CombinedOutput()
		if err != nil {
			t.Fatalf("%s --version: %v\n%s", p, err, out)
		}
		m := installed{name: p, mpirun: p}
		if bytes.Contains(out, []byte("Open MPI")) || bytes.Contains(out, []byte("OpenRTE")) {
			m.flags = []string{"--oversubscribe", "--bind-to", "none"}
		}
		all = append(all, m)
		if f := filepath.Join(filepath.Dir(p), "../lib/libmpi_abi.so.1"); exists(f) {
			all = append(all, installed{name: p + " with the ABI of MPI 5.0", mpirun: p, flags: m.flags, library: f})
		}
	}
	if len(all) == 0 {
		t.Skip("no mpirun on PATH")
	}
	return all
}

// run starts ranks in a role and returns what they print and the error of the launcher.
func (m installed) run(t *testing.T, ranks int, role string, env ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, m.mpirun, append(m.flags, "-np", strconv.Itoa(ranks), self)...)
	c.Env = append(os.Environ(), asRole+"="+role, Variable+"="+m.library, "GOMAXPROCS=2",
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "PRTE_ALLOW_RUN_AS_ROOT=1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	c.Env = append(c.Env, env...)
	c.WaitDelay = 5 * time.Second
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s -np %d did not end within a minute\n%s", m.name, ranks, out)
	}
	return string(out), err
}

// must is run for roles that must succeed on every rank.
func (m installed) must(t *testing.T, ranks int, role string, env ...string) {
	t.Helper()
	out, err := m.run(t, ranks, role, env...)
	if done := strings.Count(out, role+" done\n"); err != nil || done != ranks {
		t.Errorf("%s: %d of %d ranks are done, %v\n%s", m.name, done, ranks, err, out)
	}
}
