package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
)

// process is a run of the command as a real process, which tests kill.
type process struct {
	t   *testing.T
	ctx context.Context // ends shortly before go test's own limit, and the process with it
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
	for ; !ok(); time.Sleep(time.Millisecond) {
		if p.ctx.Err() != nil {
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
	ctx, cancel := context.WithCancel(context.Background())
	if limit, ok := t.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, limit.Add(-10*time.Second))
	}
	t.Cleanup(cancel)
	p := &process{t: t, ctx: ctx, cmd: exec.CommandContext(ctx, "whippet", args...)}
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

// midway starts trainArgs(out), with a checkpoint every few milliseconds, and
// returns when its third step or a later one is saved and much is left to do. A
// busy machine may let the run get further before the test looks: then it begins
// again.
func midway(t *testing.T, dir, out string) *process {
	t.Helper()
	path := filepath.Join(dir, out)
	if filepath.IsAbs(out) {
		path = out
	}
	for range 20 {
		p := start(t, dir, trainArgs(out, "--checkpoint-every", "1ms")...)
		step := 0
		p.until("a checkpoint", func() bool { step = newest(t, path); return step >= 3 || exists(path) })
		if step >= 3 && step < 16 {
			return p
		}
		_ = p.cmd.Process.Kill()
		p.wait()
		for _, left := range []string{path, path + ".partial"} {
			if err := os.RemoveAll(left); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("20 runs were nearly done before this test saw their third checkpoint")
	return nil
}

// newest is the step of the newest checkpoint of a run under way, 0 without one.
func newest(t *testing.T, out string) (step int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out+".partial", "checkpoints", "checkpoint-*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(p), "checkpoint-%d.safetensors", &n); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		step = max(step, n)
	}
	return step
}

// alone is what trainArgs gives when nothing disturbs it, computed once.
func alone(t *testing.T) map[string]string {
	t.Helper()
	uninterrupted.once.Do(func() {
		dir := t.TempDir()
		photos(t, dir)
		began := time.Now()
		whippet(t, dir, 0, trainArgs("alone")...)
		uninterrupted.took = time.Since(began)
		uninterrupted.files = results(t, filepath.Join(dir, "alone"))
	})
	if uninterrupted.files == nil {
		t.Fatal("the run that nothing disturbs failed")
	}
	return uninterrupted.files
}

var uninterrupted struct {
	once  sync.Once
	files map[string]string
	took  time.Duration
}

// trainArgs is a run of 4 epochs of 8 steps, in two phases, with everything on
// that a checkpoint must remember.
func trainArgs(out string, more ...string) []string {
	return append([]string{"train", "--data", "photos", "--weights", "none", "--arch", "resnet10_small", "--size", "32", "--presize", "36",
		"--batch", "4", "--schedule", "fine-tune", "--freeze-epochs", "1", "--epochs", "3", "--lr", "0.01", "--mixup", "0.4", "--save-best",
		"--patience", "3", "--metrics", "error_rate,f1", "--seed", "11", "--out", out}, more...)
}

// results are the files of a finished run, history without the time and settings
// without the folder in which it was started.
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
		switch e.Name() {
		case "history.csv":
			s = withoutTimes(s)
		case "config.json": // runs of other tests are compared too
			s = startedIn.ReplaceAllString(s, `"dir": ""`)
		}
		files[e.Name()] = s
	}
	return files
}

// startedIn is the folder in which a run was started.
var startedIn = regexp.MustCompile(`"dir": "[^"]*"`)

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
