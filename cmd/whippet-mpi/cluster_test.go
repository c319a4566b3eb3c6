//go:build linux || darwin

package main

import (
	"bytes"
	"context"
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
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/mpirun"
)

// cluster is both commands, an MPI that starts them, and pictures to train on.
type cluster struct {
	mpirun.MPI
	dir string // with whippet, whippet-mpi, the folder pictures and labels.csv in it
}

// clusters finds the MPIs, and prepares a folder for them.
func clusters(t *testing.T) (all []cluster) {
	t.Helper()
	found := mpirun.Installed(t)
	dir := prepare(t)
	for _, m := range found {
		all = append(all, cluster{m, dir})
	}
	return all
}

// prepare builds the commands and draws pictures in a folder.
func prepare(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, command := range []string{"whippet", "whippet-mpi"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, command), "../"+command).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	draw(t, filepath.Join(dir, "pictures"))
	return dir
}

func isThere(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// draw writes 80 pictures of two classes that a network can tell apart, and a table with none to three
// labels for each.
func draw(t *testing.T, dir string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	table := "file,labels\n"
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
		name := filepath.Join(class, strconv.Itoa(i)+".png")
		labels := []string{"warm", "red"}
		if class == "cold" {
			labels = nil
		}
		if i%3 == 0 {
			labels = append(labels, "third")
		}
		table += name + "," + strings.Join(labels, ";") + "\n"
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(table), 0o666); err != nil {
		t.Fatal(err)
	}
}

// command is whippet on some ranks, 0 for without a launcher, with --threads, 0 for without.
func (c cluster) command(ctx context.Context, ranks, threads int, args ...string) (*exec.Cmd, *bytes.Buffer) {
	whippet := filepath.Join(c.dir, "whippet")
	if threads > 0 {
		args = append(slices.Clip(args), "--threads", strconv.Itoa(threads))
	}
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

// each is a script of sh that every rank runs, as though on a machine of its own: $rank is its number and
// $whippet the command.
func (c cluster) each(ctx context.Context, ranks int, script string) (*exec.Cmd, *bytes.Buffer) {
	cmd := c.Command(ctx, ranks, "sh", "-c", "rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; whippet="+filepath.Join(c.dir, "whippet")+"; "+script)
	cmd.Dir = c.dir
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}
