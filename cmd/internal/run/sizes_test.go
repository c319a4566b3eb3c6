package run

import (
	"fmt"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		sizes          string
		epochs, frozen int
		want           string // sizes with their epochs, or a part of the error
	}{
		{"", 3, 1, "[]"},
		{"128,160,224", 8, 1, "[{128 3} {160 3} {224 3}]"},
		{"128,160,224", 7, 1, "[{128 2} {160 2} {224 4}]"},
		{"128:1, 224:4", 4, 1, "[{128 1} {224 4}]"},
		{"128:1,160:2,224", 8, 0, "[{128 1} {160 2} {224 5}]"},
		{"128", 2, 0, "[{128 2}]"},
		{"128,160,224", 1, 1, "3 sizes need as many epochs, and the run has 2"},
		{"128:2,224:2", 4, 1, "these are 4 epochs, and the run has 5"},
		{"128:5,224", 4, 1, "none are left for size 224"},
		{"128,160:2,224", 9, 0, "of all sizes, of all but the last, or of none"},
		{"128:2,160,224", 9, 0, "of all sizes, of all but the last, or of none"},
		{"128:0,224:2", 2, 0, "0 epochs: must be 1 or more"},
		{"128,128", 2, 0, "128 is there twice in a row"},
		{"128;224", 2, 0, "must be sizes in pixels"},
		{"128,", 2, 0, "must be sizes in pixels"},
		{"128,5000", 2, 0, "size 5000 must be 1 to 4096"},
		{"-1", 2, 0, "must be sizes in pixels"},
	} {
		got, err := Config{Sizes: c.sizes, Epochs: c.epochs, FreezeEpochs: c.frozen}.SizeStages()
		said := fmt.Sprint(got)
		if err != nil {
			said = err.Error()
		}
		if !strings.Contains(said, c.want) {
			t.Errorf("--sizes %q over %d epochs and %d frozen: %s, want %s", c.sizes, c.epochs, c.frozen, said, c.want)
		}
	}
}

// TestMagnitudesFollowSizes wants RandAugment to grow with the pictures.
func TestMagnitudesFollowSizes(t *testing.T) {
	c := Default()
	c.Sizes, c.Size, c.Epochs, c.AutoAugment = "96,128,160,224", 224, 7, "randaugment:2,5-15"
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	stages, err := c.SizeStages()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"randaugment:2,5", "randaugment:2,8", "randaugment:2,12", "randaugment:2,15"} {
		if got := c.atSize(stages[i].Size, float64(i)/3).AutoAugment; got != want {
			t.Errorf("stage %d: %s, want %s", i, got, want)
		}
	}
	begins, err := c.FirstStage()
	if err != nil || begins.Size != 96 || begins.AutoAugment != "randaugment:2,5" || begins.Check() != nil {
		t.Errorf("the first stage: size %d, %s, %v, %v", begins.Size, begins.AutoAugment, err, begins.Check())
	}
	c.Size = 192
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "it ends with 224, and --size is 192") {
		t.Errorf("another --size: %v", err)
	}
	c.Sizes = ""
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "follows --sizes") {
		t.Errorf("a growing magnitude without sizes: %v", err)
	}
	c.Arch, c.AutoAugment = "vgg11", ""
	if arch, err := models.ByName("vgg11"); err == nil && arch.MinSize > 16 {
		c.Sizes, c.Size = "16,224", 224
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "needs pictures of") {
			t.Errorf("a size below the network's: %v", err)
		}
	}
}
