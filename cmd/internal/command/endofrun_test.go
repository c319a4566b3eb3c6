package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestOutputTaken: a folder that appears under the output's name while the run is
// under way costs nothing. The program ends, says where the model is, and
// finishes when the name is free again.
func TestOutputTaken(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	want := alone(t)
	out := filepath.Join(dir, "out")
	p := midway(t, dir, "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != 1 {
		t.Errorf("exit code %d, want 1 as soon as it is done\n%s", code, &p.out)
	}
	for _, want := range []string{"the model is complete in out.partial/model.safetensors", "move it away", "whippet train --resume out"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &p.out)
		}
	}
	if !exists(filepath.Join(out+".partial", "checkpoints")) {
		t.Error("the checkpoints were removed before the folder had its name")
	}
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	whippet(t, dir, 0, "train", "--resume", "out")
	same(t, "a name that was taken", want, results(t, out))
	if exists(filepath.Join(out, ".lock")) || exists(out+".partial") {
		t.Error("something is left over")
	}
}

// TestFileSizeLimit: what cannot be written at the end is said at the beginning.
func TestFileSizeLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a shell with ulimit -f")
	}
	dir := t.TempDir()
	photos(t, dir)
	args := append([]string{"-c", `ulimit -f 2000; exec whippet "$@"`, "sh"}, trainArgs("out")...)
	c := exec.Command("sh", args...)
	c.Dir = dir
	text, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "ulimit -f") || exists(filepath.Join(dir, "out.partial")) {
		t.Errorf("%v; it says\n%s", err, text)
	}
}

// TestReadOnlyRun: a run whose folder cannot be written to is not trained to its
// end.
func TestReadOnlyRun(t *testing.T) {
	dir := smallDisk(t, "100m")
	photos(t, dir)
	interrupted(t, dir, "out")
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot make the file system read-only: %v: %s", err, out)
	}
	if text := whippet(t, dir, 1, "train", "--resume", "out"); !strings.Contains(text, "cannot be written to") || strings.Contains(text, "train_loss") {
		t.Errorf("it should have said that the folder cannot be written to, and not begun the table of epochs:\n%s", text)
	}
}
