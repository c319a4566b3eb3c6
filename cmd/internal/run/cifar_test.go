package run

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
)

// The subset of CIFAR-10: the first so many pictures of each class, by name.
const (
	cifarTrain = 200
	cifarValid = 100
)

// cifarPyTorch are the results of interop/cifar_subset.py, which trains the
// same network from the same initial weights by fastai's rules (head, one-cycle,
// Adam, weight decay) in PyTorch 1.13.1: the last error rate and validation
// loss of seeds 0 to 4. The orders of the pictures and the dropout are others.
var cifarPyTorch = []struct{ err, loss float64 }{
	{0.5770, 1.7312}, {0.5720, 1.7162}, {0.5760, 1.7047}, {0.5640, 1.6099}, {0.5720, 1.6926},
}

// TestCIFARAgainstPyTorch trains ResNet-18 from scratch on 2 000 pictures of
// CIFAR-10 for 5 epochs, five seeds, and compares error rate and loss on 1 000
// others with PyTorch's.
//
// The standard error of a mean over five seeds is about 0.006 in the error rate
// and 0.02 in the loss, on either side; three times that of a difference is
// allowed.
//
// It takes minutes and runs when WHIPPET_LONG is set. With WHIPPET_CIFAR_OUT it
// writes each seed's initial weights to that folder, for the script.
func TestCIFARAgainstPyTorch(t *testing.T) {
	if os.Getenv("WHIPPET_LONG") == "" {
		t.Skip("WHIPPET_LONG is not set: this test takes minutes")
	}
	if os.Getenv("WHIPPET_HOME") == "" {
		t.Setenv("WHIPPET_HOME", t.TempDir())
	}
	ctx := context.Background()
	c := Default()
	c.Data, c.Arch, c.Weights = golden.Path(t, "data", "cifar10.tgz"), "resnet18", "none"
	c.Label, c.Valid, c.Presize, c.Size, c.Augment = "folder", "folder:train,test", 0, 32, false
	c.Schedule, c.LR, c.FreezeEpochs, c.Epochs = "one-cycle", "3e-3", 0, 5
	root, err := c.Prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out := os.Getenv("WHIPPET_CIFAR_OUT")
	table := &strings.Builder{}
	fmt.Fprintf(table, "%-5s %9s %9s %9s %9s\n", "seed", "error", "PyTorch", "loss", "PyTorch")
	var meanErr, meanLoss, refErr, refLoss float64
	n := float64(len(cifarPyTorch))
	for seed, ref := range cifarPyTorch {
		c.Seed = uint64(seed)
		block, err := c.Block(root)
		if err != nil {
			t.Fatal(err)
		}
		block.Items = firstOfEach{block.Items}
		block.Check = data.CheckNone
		dls, err := block.DataLoaders(ctx, root)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := len(dls.Train.Items()), len(dls.Valid.Items()); a != 10*cifarTrain || b != 10*cifarValid {
			t.Fatalf("%d pictures to train on and %d to validate on, want %d and %d", a, b, 10*cifarTrain, 10*cifarValid)
		}
		l, err := c.Learner(ctx, dls)
		if err != nil {
			t.Fatal(err)
		}
		if out != "" {
			err := models.Save(filepath.Join(out, "init-"+strconv.Itoa(seed)+".safetensors"), l.Model, models.Info{Vocab: dls.Vocab, Preprocess: c.Preprocess()})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Fit(ctx, l); err != nil {
			t.Fatal(err)
		}
		row, _ := l.Recorder.Last()
		meanErr, meanLoss = meanErr+row.Metrics[0]/n, meanLoss+row.ValidLoss/n
		refErr, refLoss = refErr+ref.err/n, refLoss+ref.loss/n
		fmt.Fprintf(table, "%-5d %9.4f %9.4f %9.4f %9.4f\n", seed, row.Metrics[0], ref.err, row.ValidLoss, ref.loss)
	}
	fmt.Fprintf(table, "mean  %9.4f %9.4f %9.4f %9.4f\n", meanErr, refErr, meanLoss, refLoss)
	t.Logf("\n%s", table)
	if d := math.Abs(meanErr - refErr); d > 0.026 {
		t.Errorf("mean error rate %.4f, PyTorch's %.4f", meanErr, refErr)
	}
	if d := math.Abs(meanLoss - refLoss); d > 0.09 {
		t.Errorf("mean validation loss %.4f, PyTorch's %.4f", meanLoss, refLoss)
	}
}

// firstOfEach keeps the first pictures of each folder.
type firstOfEach struct{ data.Source }

func (f firstOfEach) List(ctx context.Context, root string) ([]data.Item, error) {
	all, err := f.Source.List(ctx, root)
	var items []data.Item
	seen := map[string]int{}
	for _, it := range all { // sorted by path
		folder := filepath.Dir(it.Path)
		limit := cifarTrain
		if filepath.Base(filepath.Dir(folder)) == "test" {
			limit = cifarValid
		}
		if seen[folder]++; seen[folder] <= limit {
			items = append(items, it)
		}
	}
	return items, err
}
