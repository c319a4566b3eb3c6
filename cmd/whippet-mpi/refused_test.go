//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestRefusedAtTheStart starts ranks that cannot train together, some as though on machines with disks of
// their own, and wants one of them to say why, with the rank and what to do. Nothing is left behind.
func TestRefusedAtTheStart(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	train := "exec $whippet " + strings.Join(settings, " ") + " --threads 1 --epochs 1 --out refused"
	here := "cp -r pictures own$rank && cd own$rank/.. && "
	elsewhere := "--data pictures " // of settings, which each rank replaces by its own
	ownData := here + strings.Replace(train, elsewhere, "--data own$rank ", 1)
	labels := strings.Replace(strings.Replace(ownData, "--label folder", "--label csv:labels.csv:labels --label-delim ';'", 1), "&& exec", "&& %s exec", 1)
	onRank1 := func(do string) string { return "if [ $rank = 1 ]; then " + do + "; fi; " }
	for _, c := range []struct {
		name   string
		ranks  int
		script string
		says   []string
	}{
		{"more ranks than shards", 4, strings.Replace(train, "--shards 4", "--shards 2", 1), []string{"--shards 2: 4 ranks for batches of 2 shards", "start at most 2 ranks"}},
		{"ranks that do not divide the shards", 3, train, []string{"--shards 4: 3 ranks for batches of 4 shards", "start a power of two"}},
		{"shards that are no power of two", 2, strings.Replace(train, "--shards 4", "--shards 6", 1), []string{"--shards 6", "must be a power of two"}},
		{"shards that do not divide the batch", 2, strings.Replace(train, "--batch 32", "--batch 30", 1), []string{"--shards 4", "batches of 30 cannot be cut into 4 shards"}},
		{"a picture less", 2, strings.Replace(ownData, "&& exec", "&& "+onRank1("rm own1/warm/1*.png")+"exec", 1), []string{"rank 1 on ", "it sees other data: "}},
		{"another picture under the same name", 2, strings.Replace(ownData, "&& exec", "&& "+onRank1("for p in 0 2 4 6; do cp own1/cold/1.png own1/warm/$p.png; done")+"exec", 1), []string{"rank 1 on ", "pictures of the same names have other contents than on rank 0"}},
		{"another label", 2, strings.Replace(labels, "%s", onRank1("sed -i s/third/red/ own1/labels.csv"), 1), []string{"rank 1 on ", "it sees other data"}},
		{"another learning rate", 2, onRank1("more='--lr 3e-3'") + train + " $more", []string{"rank 1 on ", "its settings differ: lr is \"3e-3\""}},
		{"another number of epochs", 2, onRank1("more='--epochs 7'") + train + " $more", []string{"rank 1 on ", "its settings differ: epochs is 7, was 1 on rank 0"}},
		{"another instruction set", 2, onRank1("export WHIPPET_CPU=generic") + train, []string{"rank 1 on ", "it computes with generic, rank 0 with ", "set WHIPPET_CPU"}},
		{"no library under the name that was given", 2, "export WHIPPET_MPI=/nowhere/libmpi.so; " + train, []string{"WHIPPET_MPI=/nowhere/libmpi.so"}},
		{"a library that is none of MPI", 2, "export WHIPPET_MPI=libm.so.6; " + train, []string{"the MPI library libm.so.6", "it has no function MPI_Init_thread", "WHIPPET_MPI=FILE names another"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.script = strings.ReplaceAll(c.script, "own", "own-"+t.Name()[strings.LastIndex(t.Name(), "/")+1:]+"-")
			all[0].refused(t, c.ranks, c.script, c.says...)
			for _, left := range []string{"refused", "refused.partial"} {
				if isThere(filepath.Join(all[0].dir, left)) {
					t.Errorf("%s is left behind", left)
				}
			}
		})
	}
}

// refused starts ranks and wants them to end soon, with words that say all of says.
func (c cluster) refused(t *testing.T, ranks int, script string, says ...string) {
	t.Helper()
	ctx, cancel := mpirun.Within(t, time.Minute)
	defer cancel()
	cmd, out := c.each(ctx, ranks, script)
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s, %d ranks: not ended in time\n%s", c.Name, ranks, out)
	}
	for _, s := range says {
		if err == nil || !strings.Contains(out.String(), s) {
			t.Errorf("%s, %d ranks: %v\n%s\nwant %q", c.Name, ranks, err, out, s)
		}
	}
}

// TestResumeRefused edits the settings of an interrupted run on one of two machines with disks of their own,
// or gives one of them another learning rate, and wants the run not to go on.
func TestResumeRefused(t *testing.T) {
	slow.Test(t)
	all := clusters(t)
	c := all[0]
	ctx, cancel := mpirun.Within(t, time.Minute)
	defer cancel()
	long := slices.Concat(settings, []string{"--epochs", "200", "--checkpoint-every", "1ms", "--out", "run"})
	cmd, out := c.command(ctx, 2, 1, long...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checkpoints := filepath.Join(c.dir, "run.partial", "checkpoints", "*.safetensors")
	for found, _ := filepath.Glob(checkpoints); len(found) == 0; found, _ = filepath.Glob(checkpoints) {
		if ctx.Err() != nil {
			t.Fatalf("no checkpoint\n%s", out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if cmd.Wait() == nil {
		t.Fatalf("the run has ended before it was interrupted\n%s", out)
	}
	alike := `mkdir $rank && cp -r run.partial $rank && cd $rank && `
	for name, c := range map[string]struct {
		do   string
		says []string
	}{
		"edited on rank 0":       {`[ $rank = 1 ] || sed -i 's/"batch": 32/"batch": 16/' run.partial/config.json`, []string{"config.json has changed since the checkpoint was saved: batch is 16, was 32"}},
		"edited on rank 1":       {`[ $rank = 0 ] || sed -i 's/"batch": 32/"batch": 16/' run.partial/config.json`, []string{"rank 1 on ", "cannot go on with rank 0's run", "run.partial/config.json has other settings: batch is 16, was 32 on rank 0"}},
		"cut short on rank 1":    {`[ $rank = 0 ] || echo '{' >run.partial/config.json`, []string{"rank 1 on ", "run.partial/config.json: unexpected end of JSON"}},
		"another rate on rank 1": {`[ $rank = 0 ] || more="--lr 1e-3"`, []string{"rank 1 on ", "it was started with --lr 1e-3, rank 0 with no --lr"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.ReplaceAll(name, " ", "-")
			all[0].refused(t, 2, strings.ReplaceAll(alike, "$rank &&", in+"$rank &&")+"{ "+c.do+"; }; exec $whippet train --resume run --threads 1 $more", c.says...)
		})
	}
}
