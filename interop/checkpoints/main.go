// Checkpoints reads the files that torch_checkpoints.py wrote and compares what
// Whippet's networks say about the same pictures with what PyTorch's did, and
// checks that files which are no state dict of the network are refused with a
// message that helps. See ../README.md.
//
// usage: checkpoints FOLDER
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// limit is how far logits may be from PyTorch's, relative to the largest.
const limit = 1e-4

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: checkpoints FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// one is a file and what must come of it.
type one struct {
	File   string      `json:"file"`
	Arch   string      `json:"arch"`
	What   string      `json:"what"`   // network, classifier or body
	Logits [][]float32 `json:"logits"` // nil for a body
	Says   []string    `json:"says"`   // of a file that must be refused
}

func run(folder string) error {
	b, err := os.ReadFile(filepath.Join(folder, "cases.json"))
	if err != nil {
		return err
	}
	var all struct {
		Torch    string   `json:"torch"`
		Pictures []string `json:"pictures"`
		Cases    []one    `json:"cases"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	x, err := input(filepath.Join(folder, "input.f32"), len(all.Pictures))
	if err != nil {
		return err
	}
	failed, read, refused := 0, 0, 0
	worst := map[string]float64{}
	for _, c := range all.Cases {
		path := filepath.Join(folder, c.File)
		var err error
		if c.Says != nil {
			refused++
			err = c.mustFail(path)
		} else {
			read++
			var d float64
			d, err = c.mustWork(path, x)
			worst[c.Arch] = math.Max(worst[c.Arch], d)
		}
		if err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", c.File, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "EXECUTED")); err == nil {
		failed++
		fmt.Println("FAIL: a checkpoint's code was run")
	}
	for _, name := range models.Names() {
		if d, ok := worst[name]; ok {
			fmt.Printf("%s: logits differ from PyTorch %s's by at most %.1e relative to the largest\n", name, all.Torch, d)
		}
	}
	fmt.Printf("%d files read, %d refused as they must be, %d failed\n", read, refused, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d files failed", failed, len(all.Cases))
	}
	return nil
}

// mustWork loads the file and returns how far the logits are from PyTorch's.
func (c one) mustWork(path string, x *tensor.Tensor) (float64, error) {
	a, err := models.ByName(c.Arch)
	if err != nil {
		return 0, err
	}
	f, err := weights.Load(path)
	if err != nil {
		return 0, err
	}
	var m nn.Module
	switch c.What {
	case "body":
		return 0, c.sameBody(a, path, f)
	case "classifier":
		of, err := models.Import(f, nil)
		if err != nil {
			return 0, err
		}
		if of.Arch != a || of.Classes != len(c.Logits[0]) {
			return 0, fmt.Errorf("taken for a %s of %d classes", of.Arch, of.Classes)
		}
		m = of
	default:
		m = a.Full(len(c.Logits[0]), rng.New(1))
		if err := nn.State(m).Load(f); err != nil {
			return 0, err
		}
	}
	got, err := nn.Compile(m).Run(x)
	if err != nil {
		return 0, err
	}
	largest, d := 1.0, 0.0
	for i, row := range c.Logits {
		for j, v := range row {
			largest = math.Max(largest, math.Abs(float64(v)))
			d = math.Max(d, math.Abs(float64(v-got.Data[i*len(row)+j])))
		}
	}
	if d /= largest; !(d <= limit) {
		return d, fmt.Errorf("logits differ by %.2e relative to the largest", d)
	}
	// Training from it must work as well.
	return d, models.NewClassifier(a, 2, rng.New(1)).SetBody(f)
}

// sameBody checks that f gives the body that reference.pth beside it gives.
func (c one) sameBody(a *models.Architecture, path string, f *weights.File) error {
	ref, err := weights.Load(filepath.Join(filepath.Dir(path), "reference.pth"))
	if err != nil {
		return err
	}
	x, y := models.NewClassifier(a, 2, rng.New(1)), models.NewClassifier(a, 2, rng.New(2))
	if err := x.SetBody(f); err != nil {
		return err
	}
	if err := y.SetBody(ref); err != nil {
		return err
	}
	want := nn.State(y.Body)
	for i, e := range nn.State(x.Body) {
		if e.Count == nil && !slices.Equal(e.Get(), want[i].Get()) {
			return fmt.Errorf("%s has other values than in reference.pth", e.Name)
		}
	}
	return nil
}

// mustFail checks that loading is refused, with the words that help.
func (c one) mustFail(path string) error {
	f, err := weights.Load(path)
	if err == nil && c.Arch != "" {
		a, aerr := models.ByName(c.Arch)
		if aerr != nil {
			return aerr
		}
		err = nn.State(a.Full(1000, rng.New(1))).Load(f)
	}
	if err == nil {
		return fmt.Errorf("it was read; want an error with %q", c.Says)
	}
	for _, s := range c.Says {
		if !strings.Contains(err.Error(), s) {
			return fmt.Errorf("the message %q does not say %q", err, s)
		}
	}
	return nil
}

// input reads [n,3,S,S] float32 as [n,S,S,3].
func input(path string, n int) (*tensor.Tensor, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	hw := len(b) / (4 * 3 * n)
	side := int(math.Sqrt(float64(hw)))
	x := tensor.New(n, side, side, 3)
	for i := range n {
		for c := range 3 {
			for p := range hw {
				x.Data[(i*hw+p)*3+c] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*((i*3+c)*hw+p):]))
			}
		}
	}
	return x, nil
}
