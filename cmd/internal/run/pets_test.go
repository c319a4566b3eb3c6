package run

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/train"
)

// fastaiPets are the results of fastai2 0.0.30 on PyTorch 1.13.1 for the same
// pictures, split, weights and settings, seeds 0 to 4: error rate after the
// frozen epoch and after each of the three others, and the last validation
// loss.
var fastaiPets = []struct {
	errors [4]float64
	loss   float64
}{
	{[4]float64{0.0333, 0.0444, 0.0222, 0.0222}, 0.0594},
	{[4]float64{0.1444, 0.1000, 0.0778, 0.0778}, 0.2232},
	{[4]float64{0.1000, 0.0889, 0.0556, 0.0556}, 0.0951},
	{[4]float64{0.2000, 0.1333, 0.0778, 0.0778}, 0.1405},
	{[4]float64{0.1111, 0.0889, 0.0556, 0.0444}, 0.1023},
}

// TestPetsAgainstFastai fine-tunes SqueezeNet 1.1 on 450 real pets of three
// breeds, five seeds, as `whippet train` does, and compares the means with
// fastai's. The seeds' numbers need not be equal one by one: they draw other
// augmentations, orders and heads.
//
// One validation picture of 90 is 1.1 points of error, the standard error of
// fastai's mean over seeds 1.0 points and 0.028 in the loss; so 1.5 points and
// twice the standard error of a difference in the loss, 0.08, are allowed.
//
// It takes minutes and runs when WHIPPET_LONG is set:
//
//	WHIPPET_LONG=1 WHIPPET_TESTDATA=… go test ./cmd/internal/run -run Pets -v -timeout 1h
func TestPetsAgainstFastai(t *testing.T) {
	if os.Getenv("WHIPPET_LONG") == "" {
		t.Skip("WHIPPET_LONG is not set: this test takes minutes")
	}
	t.Setenv("WHIPPET_HOME", t.TempDir())
	ctx := context.Background()
	c := Default()
	c.Data, c.Arch, c.Epochs = golden.Path(t, "data", "oxford-iiit-pet-3.tgz"), "squeezenet1_1", 3
	c.Weights, c.Label = golden.Path(t, "weights", "squeezenet1_1-imagenet.pth"), `regex:(.+)_\d+.jpg$`
	root, err := c.Prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	table := &strings.Builder{}
	fmt.Fprintf(table, "%-5s %-42s %-42s %8s %8s\n", "seed", "error rate by epoch, Whippet", "fastai", "loss", "fastai")
	var meanError, meanLoss, refError, refLoss float64
	n := float64(len(fastaiPets))
	for seed, ref := range fastaiPets {
		c.Seed = uint64(seed)
		rows := fit(t, ctx, c, root)
		if len(rows) != len(ref.errors) {
			t.Fatalf("%d epochs, want %d", len(rows), len(ref.errors))
		}
		var ours [4]float64
		for i, r := range rows {
			ours[i] = r.Metrics[0]
		}
		last := rows[len(rows)-1]
		fmt.Fprintf(table, "%-5d %-42s %-42s %8.4f %8.4f\n", seed, arrows(ours), arrows(ref.errors), last.ValidLoss, ref.loss)
		meanError, meanLoss = meanError+ours[3]/n, meanLoss+last.ValidLoss/n
		refError, refLoss = refError+ref.errors[3]/n, refLoss+ref.loss/n
	}
	fmt.Fprintf(table, "mean  %-42.4f %-42.4f %8.4f %8.4f\n", meanError, refError, meanLoss, refLoss)
	t.Logf("\n%s", table)
	if meanError > refError+0.015 {
		t.Errorf("mean error rate %.4f, fastai's %.4f", meanError, refError)
	}
	if meanLoss > refLoss+0.08 {
		t.Errorf("mean validation loss %.4f, fastai's %.4f", meanLoss, refLoss)
	}
}

func arrows(e [4]float64) string {
	return fmt.Sprintf("%.4f → %.4f → %.4f → %.4f", e[0], e[1], e[2], e[3])
}

// fit carries out one run and returns its history.
func fit(t *testing.T, ctx context.Context, c Config, root string) []train.Row {
	t.Helper()
	block, err := c.Block(root)
	if err != nil {
		t.Fatal(err)
	}
	block.CacheBytes = 2 << 30
	dls, err := block.DataLoaders(ctx, root)
	if err != nil {
		t.Fatal(err)
	}
	defer dls.Close()
	l, err := c.Learner(ctx, dls)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fit(ctx, l); err != nil {
		t.Fatal(err)
	}
	return l.Recorder.Rows
}
