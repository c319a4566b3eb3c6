package train

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/train/checkpoint"
)

// goodCheckpoint returns the bytes of a checkpoint in the middle of a run.
func goodCheckpoint(t testing.TB) []byte {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := tinyLearner(t, 1, Callbacks(&SaveBest{Restore: true}))
	l.Checkpoints = &Checkpoints{Dir: dir}
	if err := l.FineTune(ctx, 1, With(&interruptAt{event: AfterStep, k: 7, cancel: cancel})); err == nil {
		t.Fatal("not interrupted")
	}
	paths, err := checkpoint.Folder{Dir: dir}.Paths()
	if err != nil || len(paths) == 0 {
		t.Fatalf("checkpoints %v, %v", paths, err)
	}
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzReadCheckpoint gives LoadCheckpoint any bytes: an error or a checkpoint,
// never a panic.
func FuzzReadCheckpoint(f *testing.F) {
	good := goodCheckpoint(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{})
	path := filepath.Join(f.TempDir(), "checkpoint-000000001.safetensors")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := LoadCheckpoint(filepath.Dir(path))
		if (c == nil) == (err == nil) {
			t.Errorf("checkpoint %v with error %v", c, err)
		}
	})
}

// FuzzCheckpointState puts any state beside good arrays, as if its checksum
// were right, and applies it to a learner.
func FuzzCheckpointState(f *testing.F) {
	path := filepath.Join(f.TempDir(), "checkpoint-000000001.safetensors")
	if err := os.WriteFile(path, goodCheckpoint(f), 0o666); err != nil {
		f.Fatal(err)
	}
	file, err := checkpoint.Read(path)
	if err != nil {
		f.Fatal(err)
	}
	l := tinyLearner(f, 1, Callbacks(&SaveBest{Restore: true}))
	l.Checkpoints = &Checkpoints{Dir: f.TempDir()}
	f.Add(string(file.State))
	f.Add(`{"plan":[{"lr":[1,1,1]}]}`)
	f.Fuzz(func(t *testing.T, state string) {
		c := &Checkpoint{Path: "fuzz", arrays: file.Arrays}
		if json.Unmarshal([]byte(state), &c.state) != nil {
			return
		}
		if c.apply(l, l.Callbacks) != nil {
			return
		}
		for _, p := range c.state.Plan {
			_, _ = p.curves()
		}
		// A context that is over: everything but the training itself.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = l.Resume(ctx, c)
	})
}
