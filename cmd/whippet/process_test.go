package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
)

// process is a run of the command as a real process, which tests kill.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	out output // standard output and standard error
}

// output collects what a process prints, and may be read meanwhile.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// until waits for something to become true of a running process.
func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	for limit := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Fatalf("in vain waited for %s\n%s", what, &p.out)
		}
	}
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return startWith(t, dir, nil, args...)
}

// startWith is start with more variables in the environment.
func startWith(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // far more than any takes
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, "whippet", args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.out, &p.out
	p.cmd.Env = append(os.Environ(), "WHIPPET_HOME="+filepath.Join(dir, "home"), "GOMAXPROCS=2")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.WaitDelay = time.Minute
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// wait returns the exit code, -1 for a process that was killed.
func (p *process) wait() int {
	p.t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// whippet is start and wait, with the exit code that is wanted.
func whippet(t *testing.T, dir string, code int, args ...string) string {
	t.Helper()
	p := start(t, dir, args...)
	if got := p.wait(); got != code {
		t.Fatalf("whippet %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, &p.out)
	}
	return p.out.String()
}

// photos draws a set of pictures into dir/photos.
func photos(t *testing.T, dir string) {
	t.Helper()
	if _, err := drawn.Write(context.Background(), filepath.Join(dir, "photos"), drawn.Options{PerClass: 4, Size: 40}); err != nil {
		t.Fatal(err)
	}
}

// trainArgs is a run of 4 epochs of 8 steps, in two phases, with everything on
// that a checkpoint must remember.
func trainArgs(out string, more ...string) []string {
	return append([]string{"train", "--data", "photos", "--weights", "none", "--arch", "resnet10_small", "--size", "32", "--presize", "36",
		"--batch", "4", "--schedule", "fine-tune", "--freeze-epochs", "1", "--epochs", "3", "--lr", "0.01", "--mixup", "0.4", "--save-best",
		"--patience", "3", "--metrics", "error_rate,f1", "--seed", "11", "--out", out}, more...)
}

// results are the files of a finished run, history without the time.
func results(t *testing.T, out string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		if e.Name() == "history.csv" {
			s = withoutTimes(s)
		}
		files[e.Name()] = s
	}
	return files
}

// withoutTimes is a history without its last column, the time.
func withoutTimes(history string) string {
	lines := strings.Split(strings.TrimSpace(history), "\n")
	for i, l := range lines {
		lines[i] = l[:strings.LastIndexByte(l, ',')]
	}
	return strings.Join(lines, "\n")
}

// same compares a run's files with those of an uninterrupted one.
func same(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: there is a file %s that the uninterrupted run has not", what, name)
		}
	}
	for name, w := range want {
		g, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s: %s is missing", what, name)
		case g != w && name == "history.csv":
			t.Errorf("%s: the history is\n%s\nwant\n%s", what, g, w)
		case g != w:
			t.Errorf("%s: %s differs (%d and %d bytes)", what, name, len(g), len(w))
		}
	}
}

// exists reports whether there is something at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
