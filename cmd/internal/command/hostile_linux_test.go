package command

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// bounded runs the command and checks what it cost: the largest resident
// memory, in MiB, and processor time. It returns what the command printed. The collector is
// given a limit well below the bound: what comes near it then is memory in use,
// not memory that nobody has collected yet, whose amount depends on the
// machine's load.
func bounded(t *testing.T, dir string, code, mib int, args ...string) string {
	t.Helper()
	// Linux counts to a new process the largest memory that its parent had until
	// then: the test lets go of its own first.
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Logf("the largest memory of this process counts too: %v", err)
	}
	p := startWith(t, dir, []string{fmt.Sprintf("GOMEMLIMIT=%dMiB", mib*3/4)}, args...)
	if got := p.wait(); got != code {
		t.Errorf("whippet %s: exit code %d, want %d\n%.2000s", strings.Join(args, " "), got, code, &p.out)
	}
	state := p.cmd.ProcessState
	if took := state.UserTime() + state.SystemTime(); took > time.Minute {
		t.Errorf("whippet %s took %v of processor time", strings.Join(args, " "), took)
	}
	if peak := int(state.SysUsage().(*syscall.Rusage).Maxrss >> 10); peak > mib {
		t.Errorf("whippet %s took %d MiB of memory at its peak, more than %d", strings.Join(args, " "), peak, mib)
	}
	if exists(filepath.Join(dir, "owned.file")) || exists(filepath.Join(filepath.Dir(dir), "owned.file")) || exists("/tmp/owned.file") {
		t.Fatalf("whippet %s made a file that an attacker asked for", strings.Join(args, " "))
	}
	return p.out.String()
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestHostilePictures gives the command a folder of pictures that mean harm,
// and things that are no files: it reports each and answers the good ones.
func TestHostilePictures(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	tiny(t, filepath.Join(dir, "m.safetensors"))
	var bad []hostile.File
	for _, c := range hostile.Pictures() {
		put(t, filepath.Join(dir, "bad", c.Name), c.Data)
		if c.Says != "" {
			bad = append(bad, c)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "bad", "pipe.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"zero.jpg": "/dev/zero", "circle.jpg": "circle.jpg", "folder.jpg": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, "bad", link)); err != nil {
			t.Fatal(err)
		}
	}
	// Two decoders at a time, 49 and 25 megapixels of 3 to 7 bytes.
	const mib = 1000
	for _, args := range [][]string{{"predict", "m.safetensors", "bad"}, {"verify", "bad"}} {
		out := bounded(t, dir, 1, mib, args...)
		for _, c := range bad {
			reported := false
			for line := range strings.Lines(out) {
				reported = reported || strings.Contains(line, c.Name) && strings.Contains(line, c.Says)
			}
			if !reported {
				t.Errorf("%s does not report %s with %q:\n%.5000s", args[0], c.Name, c.Says, out)
			}
		}
	}
	// Named one by one, what is no file is refused at once too.
	out := bounded(t, dir, 1, mib, "predict", "m.safetensors", "bad/pipe.jpg", "bad/zero.jpg", "bad/circle.jpg", "/dev/zero")
	for _, says := range []string{"a pipe", "a device", "too many levels"} {
		if !strings.Contains(out, says) {
			t.Errorf("the output does not say %q:\n%s", says, out)
		}
	}
	bounded(t, dir, 1, mib, "train", "--data", "bad", "--label", "folder", "--weights", "none", "--arch", "resnet10_small", "--out", "out")
}

// TestHostileWeights gives the command weights and models that mean harm.
func TestHostileWeights(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	picture := filepath.Join(dir, "one.png")
	put(t, picture, []byte("x"))
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := append(hostile.Weights(), hostile.File{Name: "pipe", Says: "a pipe"}, hostile.File{Name: "/dev/zero", Says: "a device"})
	for _, c := range files {
		t.Run(c.Name, func(t *testing.T) {
			if c.Data != nil || strings.HasPrefix(c.Name, "empty") {
				put(t, filepath.Join(dir, c.Name), c.Data)
			}
			for _, args := range [][]string{
				{"predict", c.Name, picture},
				{"export", c.Name, "--out", "out.onnx"},
				{"serve", c.Name, "--address", "localhost:0"},
				{"train", "--data", "photos", "--arch", "resnet10_small", "--size", "32", "--presize", "36", "--batch", "4", "--weights", c.Name, "--out", "out"},
			} {
				out := bounded(t, dir, 1, 500, args...)
				if !strings.Contains(out, filepath.Base(c.Name)) || !strings.Contains(out, c.Says) || len(out) > 20_000 {
					t.Errorf("whippet %s: the error does not name the file and say %q:\n%.1000s", args[0], c.Says, out)
				}
			}
		})
	}
}

// TestHostileArchives trains on archives that mean harm.
func TestHostileArchives(t *testing.T) {
	slow.Test(t)
	dir := filepath.Join(t.TempDir(), "in")
	for _, c := range hostile.Archives() {
		t.Run(c.Name, func(t *testing.T) {
			put(t, filepath.Join(dir, c.Name), c.Data)
			for _, args := range [][]string{{"train", "--data", c.Name, "--label", "folder", "--weights", "none", "--out", "out"}, {"verify", c.Name}} {
				out := bounded(t, dir, 1, 500, args...)
				if !strings.Contains(out, c.Name) || !strings.Contains(out, c.Says) {
					t.Errorf("whippet %s: the error does not name the archive and say %q:\n%.1000s", args[0], c.Says, out)
				}
			}
		})
	}
}
