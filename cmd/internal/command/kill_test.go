package command

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestKilledAndResumed kills a training process at random moments, again and
// again, resumes it each time, with another number of threads and of loader
// workers, and compares what it ends with to a run that was left alone: the
// same bytes.
func TestKilledAndResumed(t *testing.T) {
	dir := t.TempDir()
	photos(t, dir)
	want, whole := alone(t), uninterrupted.took

	rounds, patience := 1, 3 // whole runs, each killed as often as it takes; how fast the time between kills grows
	if slow.On() {
		rounds, patience = 3, 1
	}
	for round := range rounds {
		out := filepath.Join(dir, "killed", string(rune('a'+round)))
		// Every few steps a checkpoint, so that kills hit them being written.
		every := []string{"1ms", "60ms", "5m"}[round]
		flags := func(args []string) []string {
			n := []string{"1", "2", "3", "4"}
			return append(args, "--checkpoint-every", every, "--threads", n[rand.IntN(4)], "--workers", n[rand.IntN(4)])
		}
		args, kills := flags(trainArgs(out)), 0
		for try := 0; ; try++ {
			p := start(t, dir, args...)
			// Later tries get more time, so that the test ends, also where only
			// every epoch is saved.
			delay := time.Duration(rand.Int64N(int64(whole)*int64(patience*try+4)/10 + 1))
			done := make(chan struct{})
			timer := time.AfterFunc(delay, func() {
				defer close(done)
				_ = p.cmd.Process.Kill()
			})
			code := p.wait()
			if !timer.Stop() {
				<-done
			}
			if exists(out) {
				if code != 0 && exists(out+".partial") {
					t.Fatalf("both %s and its partial folder are there", out)
				}
				if kills > 0 {
					break
				}
				// The machine was slower when whole was measured.
				whole /= 2
				if err := os.RemoveAll(out); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if code >= 0 {
				t.Fatalf("exit code %d, not killed\n%s", code, &p.out)
			}
			kills++
			historySoFar(t, out, want["history.csv"])
			if exists(filepath.Join(out+".partial", "config.json")) {
				args = flags([]string{"train", "--resume", out})
			}
		}
		same(t, "checkpoints every "+every, want, results(t, out))
		t.Logf("checkpoints every %s: killed %d times", every, kills)
	}
}

// historySoFar checks the history.csv that a killed run has left, if it got that
// far: without the times it is the beginning of the whole one, in whole rows.
func historySoFar(t *testing.T, out, whole string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(out+".partial", "history.csv"))
	if err != nil {
		return // no epoch had ended
	}
	if got := withoutTimes(string(b)); !strings.HasPrefix(whole+"\n", got+"\n") {
		t.Errorf("history.csv after a kill:\n%s\nwant the beginning of\n%s", got, whole)
	}
}

// TestInterrupted sends Ctrl-C: once, and the step is finished, the state
// saved, and the way to go on told; twice, and the process ends at once.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send Ctrl-C to one process")
	}
	dir := t.TempDir()
	photos(t, dir)
	want := alone(t)

	for _, c := range []struct {
		name  string
		sig   os.Signal
		twice bool // a SIGTERM after it, or the same again
	}{{"once", os.Interrupt, false}, {"twice", os.Interrupt, true}, {"asked", stopSignals[0], true}} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(dir, c.name)
			p := midway(t, dir, out)
			_ = p.cmd.Process.Signal(c.sig)
			second, saves := c.sig, true
			if c.twice && c.sig == os.Interrupt {
				second, saves = syscall.SIGTERM, false
			}
			if c.twice {
				time.Sleep(time.Millisecond)
				_ = p.cmd.Process.Signal(second)
			}
			if code := p.wait(); code != 130 {
				t.Fatalf("exit code %d, want 130\n%s", code, &p.out)
			}
			text := p.out.String()
			if saves && (!strings.Contains(text, "progress is saved (step ") || !strings.Contains(text, "whippet train --resume "+out)) {
				t.Errorf("the output does not say how to go on:\n%s", text)
			}
			if exists(out) {
				t.Error("the output folder is there, though training is not done")
			}
			whippet(t, dir, 0, "train", "--resume", out)
			same(t, c.name, want, results(t, out))
		})
	}
}

// TestOneProcessPerRun starts a second process on a run that is under way.
func TestOneProcessPerRun(t *testing.T) {
	dir := t.TempDir()
	photos(t, dir)
	p := start(t, dir, trainArgs("a", "--epochs", "1000", "--patience", "0")...)
	p.until("the run's settings", func() bool { return exists(filepath.Join(dir, "a.partial", "config.json")) })
	for _, args := range [][]string{{"train", "--resume", "a"}, trainArgs("a")} {
		if text := whippet(t, dir, 1, args...); !strings.Contains(text, "another process is working on this run") {
			t.Errorf("%v: %s", args, text)
		}
	}
	_ = p.cmd.Process.Kill()
	p.wait()
	if text := whippet(t, dir, 1, trainArgs("a")...); !strings.Contains(text, "continue it with --resume a") {
		t.Errorf("the same --out again: %s", text)
	}
}
