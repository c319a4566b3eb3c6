package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// smallDisk mounts a file system of the given size in memory, and skips the
// test where that cannot be done.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("a small file system can be mounted by root on Linux only")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return disk
}

// TestDiskFull trains onto disks that are too small. With mixup, save-best and
// Adam a checkpoint of this run is about 20 MB, the model 5 MB.
func TestDiskFull(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	want := alone(t)
	const notSaved = "the state of training could not be saved: "

	t.Run("room for one checkpoint", func(t *testing.T) {
		out := filepath.Join(smallDisk(t, "32m"), "out")
		text := whippet(t, dir, 0, trainArgs(out, "--checkpoint-every", "1ms")...)
		if !strings.Contains(text, notSaved) || !strings.Contains(text, "no space left") || !strings.Contains(text, "the newest one is that of step") {
			t.Errorf("the failed saves are not told:\n%s", text)
		}
		same(t, "on a small disk", want, results(t, out))
	})

	t.Run("killed on a full disk", func(t *testing.T) {
		disk := smallDisk(t, "32m")
		out := filepath.Join(disk, "out")
		p := start(t, dir, trainArgs(out, "--checkpoint-every", "1ms")...)
		p.until("a checkpoint", func() bool {
			saved, err := filepath.Glob(filepath.Join(out+".partial", "checkpoints", "checkpoint-*.safetensors"))
			return err == nil && len(saved) > 0 || exists(out)
		})
		time.Sleep(time.Second)
		_ = p.cmd.Process.Kill()
		p.wait()
		if !exists(out) {
			if text := whippet(t, dir, 0, "train", "--resume", out); !strings.Contains(text, "resumed at") {
				t.Errorf("not resumed:\n%s", text)
			}
		}
		same(t, "killed on a small disk", want, results(t, out))
	})

	t.Run("no room for the model", func(t *testing.T) {
		disk := smallDisk(t, "3m")
		out := filepath.Join(disk, "out")
		p := start(t, dir, trainArgs(out)...)
		// The trained model is nowhere but in memory: the process must wait.
		p.until("the model not to be written", func() bool { return strings.Contains(p.out.String(), "only in memory: free some space") })
		if out, err := exec.Command("mount", "-o", "remount,size=64m", disk).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v: %s", err, out)
		}
		if code := p.wait(); code != 0 {
			t.Fatalf("exit code %d\n%s", code, &p.out)
		}
		if text := p.out.String(); !strings.Contains(text, "there is none before it") {
			t.Errorf("the output does not say that the disk is full:\n%s", text)
		}
		same(t, "after room was made", want, results(t, out))
	})

	t.Run("no room for the settings", func(t *testing.T) {
		disk := smallDisk(t, "64k")
		_ = os.WriteFile(filepath.Join(disk, "other"), make([]byte, 1<<20), 0o666) // as much as there is room for
		out := filepath.Join(disk, "a", "b", "out")
		text := whippet(t, dir, 1, trainArgs(out)...)
		if !strings.Contains(text, "--out "+out) || !strings.Contains(text, "no space left") {
			t.Errorf("the error is:\n%s", text)
		}
	})
}
