//go:build linux || darwin

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
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

// cluster is both commands, an MPI that starts them, and pictures to train on.
type cluster struct {
	mpirun.MPI
	dir string // with whippet, whippet-mpi and the folder pictures
}

// clusters builds the commands, draws pictures and finds the MPIs.
func clusters(t *testing.T) (all []cluster) {
	t.Helper()
	found := mpirun.Installed(t)
	dir := t.TempDir()
	for _, command := range []string{"whippet", "whippet-mpi"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, command), "../"+command).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	draw(t, filepath.Join(dir, "pictures"))
	for _, m := range found {
		all = append(all, cluster{m, dir})
	}
	return all
}

func isThere(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// draw writes 80 pictures of two classes that a network can tell apart.
func draw(t *testing.T, dir string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 80 {
		class := []string{"warm", "cold"}[i%2]
		img := image.NewRGBA(image.Rect(0, 0, 40, 40))
		for p := range 1600 {
			c := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
			if class == "warm" {
				c.R |= 128
			}
			img.SetRGBA(p%40, p/40, c)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, class, strconv.Itoa(i)+".png")
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// settings are those of every run, to which the number of epochs, of two steps each, comes.
var settings = strings.Fields("train --data pictures --label folder --arch resnet10_small --weights none --presize 0 --size 32 --batch 32 --shards 4 --seed 1")

// command is whippet on some ranks, 0 for without a launcher.
func (c cluster) command(ctx context.Context, ranks, threads int, args ...string) (*exec.Cmd, *bytes.Buffer) {
	whippet := filepath.Join(c.dir, "whippet")
	args = append(args, "--threads", strconv.Itoa(threads))
	cmd := c.Command(ctx, ranks, whippet, args...)
	if ranks == 0 {
		cmd = exec.CommandContext(ctx, whippet, args...)
		cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	}
	cmd.Env = append(cmd.Env, "WHIPPET_SLOW=")
	cmd.Dir = c.dir
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// train runs to the end.
func (c cluster) train(t *testing.T, ranks, threads int, run string, more ...string) {
	t.Helper()
	ctx, cancel := mpirun.Within(t, 2*time.Minute)
	defer cancel()
	cmd, out := c.command(ctx, ranks, threads, slices.Concat(settings, more, []string{"--out", run})...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s, %d ranks: %v\n%s", c.Name, ranks, err, out)
	}
}

// digest is that of the run's model.
func (c cluster) digest(t *testing.T, run string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, run, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// TestSameBytes trains alone and on ranks, on one thread and on two.
func TestSameBytes(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	all[0].train(t, 0, 2, "alone", "--epochs", "3")
	want := all[0].digest(t, "alone")
	for i, c := range all {
		for _, ranks := range []int{1, 2, 4} {
			run := fmt.Sprintf("run%d-%d", i, ranks)
			c.train(t, ranks, 1+(i+ranks/2)%2, run, "--epochs", "3")
			if got := c.digest(t, run); got != want {
				t.Errorf("%s: the model of %d ranks is another than that of one process", c.Name, ranks)
			}
		}
	}
}

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
