//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/launcher"
	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
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

// run starts ranks in a role and returns what they print and the error of the launcher.
func run(t *testing.T, m mpirun.MPI, ranks int, role string, env ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := mpirun.Within(t, time.Minute)
	defer cancel()
	c := m.Command(ctx, ranks, self)
	c.Env = append(append(c.Env, asRole+"="+role), env...)
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s -np %d did not end in time\n%s", m.Name, ranks, out)
	}
	return string(out), err
}

// must is run for roles that must succeed on every rank.
func must(t *testing.T, m mpirun.MPI, ranks int, role string, env ...string) {
	t.Helper()
	out, err := run(t, m, ranks, role, env...)
	if done := strings.Count(out, role+" done\n"); err != nil || done != ranks {
		t.Errorf("%s: %d of %d ranks are done, %v\n%s", m.Name, done, ranks, err, out)
	}
}
