//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// withSrun skips a test where there is no Slurm, and returns what srun starts through an interface.
func withSrun(t *testing.T) (under func(mpi, library string) cluster) {
	t.Helper()
	slow.Test(t)
	if os.Getenv("WHIPPET_TEST_SRUN") == "" {
		t.Skip("WHIPPET_TEST_SRUN is not set: .ci/slurm starts a Slurm and sets it")
	}
	dir := prepare(t)
	return func(mpi, library string) cluster {
		return cluster{mpirun.MPI{Name: "srun --mpi=" + mpi, Library: library, Start: []string{"srun", "-K", "--job-name=" + filepath.Base(dir), "--mpi=" + mpi}}, dir}
	}
}

// TestSrun trains on ranks that srun starts, through each interface with a library that has it, and wants the
// model of one process; an interface that the library has not, or none, is refused with what to do.
func TestSrun(t *testing.T) {
	under := withSrun(t)
	under("none", "").train(t, 0, 2, "alone", "--epochs", "3")
	want := under("none", "").digest(t, "alone")
	for _, c := range []struct {
		mpi, library string
		says         string // of a refusal
	}{
		{mpi: "pmix"},
		{mpi: "pmix", library: "libmpi.so.40"},
		{mpi: "pmi2"},
		{mpi: "pmi2", library: "libmpich.so.12"},
		{mpi: "pmix", library: "libmpich.so.12", says: "the library is not the launcher's"},
		{mpi: "none", says: "srun started 2 processes without the interface by which MPI finds the others: use srun --mpi=pmix or srun --mpi=pmi2"},
	} {
		t.Run(strings.Trim(c.mpi+" "+c.library, " "), func(t *testing.T) {
			m := under(c.mpi, c.library)
			if c.says != "" {
				m.refused(t, 2, "exec $whippet "+strings.Join(settings, " ")+" --epochs 1 --out refused", c.says)
				return
			}
			for _, ranks := range []int{2, 4} {
				m.train(t, ranks, 1, "run", "--epochs", "3")
				if got := m.digest(t, "run"); got != want {
					t.Errorf("%s: the model of %d ranks is another than that of one process", m.Name, ranks)
				}
				if err := os.RemoveAll(filepath.Join(m.dir, "run")); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestSrunSignal ends a step of Slurm as examples/cluster/slurm.sh lets it end when its time is nearly over, and goes
// on with another number of ranks.
func TestSrunSignal(t *testing.T) {
	under := withSrun(t)
	c := under("pmix", "")
	long := slices.Concat(settings, []string{"--epochs", "20", "--checkpoint-every", "100ms", "--out"})
	c.run(t, 0, 2, slices.Concat(long, []string{"alone"})...)
	ctx, cancel := mpirun.Within(t, 2*time.Minute)
	defer cancel()
	cmd, out := c.command(ctx, 2, 1, slices.Concat(long, []string{"run"})...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !isThere(filepath.Join(c.dir, "run.partial", "history.csv")) {
		if ctx.Err() != nil {
			t.Fatalf("no epoch ended\n%s", out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if text, err := exec.Command("scancel", "--signal=USR1", "--name="+filepath.Base(c.dir)).CombinedOutput(); err != nil {
		t.Fatalf("scancel: %v\n%s", err, text)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "progress is saved (step ") {
		t.Fatalf("the step ended with %v\n%s", err, out)
	}
	c.run(t, 4, 1, "train", "--resume", "run")
	if got, want := c.digest(t, "run"), c.digest(t, "alone"); got != want {
		t.Errorf("the model of the run, resumed, is another than that of one process")
	}
}
