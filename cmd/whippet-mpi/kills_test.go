//go:build linux || darwin

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// kills is how many times TestKills ends a run, WHIPPET_TEST_KILLS or this.
const kills = 6

// TestKills ends ranks and launchers at moments taken at random, and lets each run go on
// with another number of ranks: nothing may hang or be left over, and the model is that of
// a run without an end.
func TestKills(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	long := []string{"--epochs", "20", "--checkpoint-every", "100ms"}
	all[0].train(t, 0, 2, "alone", long...)
	want := all[0].digest(t, "alone")
	left, err := strconv.Atoi(os.Getenv("WHIPPET_TEST_KILLS"))
	if err != nil {
		left = kills
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := 0; left > 0; i++ {
		c := all[i%len(all)]
		run := fmt.Sprintf("killed%d", i)
		args := slices.Concat(settings, long, []string{"--out", run})
		for try := 0; !isThere(filepath.Join(c.dir, run)); try++ {
			if try == 40 {
				t.Fatalf("%s: %s is not done after 40 starts", c.Name, run)
			}
			ranks := []int{1, 2, 4}[r.IntN(3)]
			ctx, cancel := mpirun.Within(t, time.Minute)
			cmd, out := c.command(ctx, ranks, 1, args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			said := ""
			if left > 0 {
				select {
				case err := <-ended:
					ended <- err
				case <-time.After(time.Duration(200+r.IntN(2500)) * time.Millisecond):
					if said = c.end(t, r, cmd.Process.Pid); said != "" {
						left--
					}
				}
			}
			err := <-ended
			hung := ctx.Err() != nil
			cancel()
			if hung {
				t.Fatalf("%s, %d ranks, %s: not ended in time\n%s", c.Name, ranks, said, out)
			}
			if said == "" && err != nil {
				t.Fatalf("%s, %d ranks: %v\n%s", c.Name, ranks, err, out)
			}
			for deadline := time.Now().Add(20 * time.Second); len(c.processes(t)) > 0; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%s, %d ranks, %s: processes are left over: %v\n%s", c.Name, ranks, said, c.processes(t), out)
				}
			}
			if isThere(filepath.Join(c.dir, run+".partial", "config.json")) {
				args = []string{"train", "--resume", run}
			}
		}
		if got := c.digest(t, run); got != want {
			t.Errorf("%s: the model of %s, resumed, is another than that of one process", c.Name, run)
		}
	}
}

// end sends a signal to a rank or to the launcher, and says what it did; "" when there is
// nothing to end any more.
func (c cluster) end(t *testing.T, r *rand.Rand, launcher int) string {
	ranks := c.processes(t)
	if len(ranks) == 0 {
		return ""
	}
	rank := ranks[r.IntN(len(ranks))]
	pid, sig := rank, syscall.SIGKILL
	switch r.IntN(6) {
	case 0:
		pid = launcher
	case 1:
		pid, sig = launcher, syscall.SIGTERM
	case 2:
		sig = syscall.SIGTERM
	case 3:
		sig = syscall.SIGUSR1
	}
	if syscall.Kill(pid, sig) != nil {
		return ""
	}
	return fmt.Sprintf("%v to process %d (the launcher is %d)", sig, pid, launcher)
}

// processes are those that run the commands of this cluster.
func (c cluster) processes(t *testing.T) (pids []int) {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pid=,args=").Output()
	if err != nil {
		t.Skipf("ps: %v", err)
	}
	for _, line := range strings.Split(string(out), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], filepath.Join(c.dir, "whippet")) {
			if pid, err := strconv.Atoi(fields[0]); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
