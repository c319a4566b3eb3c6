package models

import (
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestBatchesInParts compares the bits of the scores of batches that go through a network in parts, or as a whole, with those
// of each picture alone.
func TestBatchesInParts(t *testing.T) {
	for _, name := range []string{"mobilenetv3_small_100", "shufflenet_v2_x0_5", "regnety_004", "vit_tiny_patch16_224"} {
		a := registered(t, name)
		size := 64
		if strings.HasPrefix(name, "vit") {
			size = 224
		}
		net := nn.Compile(a.Full(10, rng.New(3)))
		for _, n := range []int{8, 11, 18} {
			if size == 224 && n > 8 {
				continue
			}
			x := tensor.New(n, size, size, 3)
			r := rng.New(uint64(n))
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			for range 2 { // the second run has the first one's buffers
				got, err := net.Run(x)
				if err != nil {
					t.Fatal(err)
				}
				per := len(x.Data) / n
				for i := range n {
					want, err := net.Run(tensor.FromSlice(x.Data[i*per:(i+1)*per], 1, size, size, 3))
					if err != nil {
						t.Fatal(err)
					}
					for k, v := range want.Data {
						if g := got.Data[i*10+k]; g != v {
							t.Fatalf("%s: picture %d of %d has the score %v for class %d, alone %v", name, i, n, g, k, v)
						}
					}
				}
			}
		}
	}
}

// TestBatchesInPartsFail holds that a part's error is the batch's, and that the network works after it.
func TestBatchesInPartsFail(t *testing.T) {
	net := nn.Compile(registered(t, "mobilenetv3_small_100").Full(10, rng.New(3)))
	if _, err := net.Run(tensor.New(9, 64, 64, 5)); err == nil || !strings.Contains(err.Error(), "5 channels") {
		t.Errorf("pictures of 5 channels: %v", err)
	}
	if err := net.RunInto(tensor.New(9, 64, 64, 3), make([]float32, 89)); err == nil || !strings.Contains(err.Error(), "room for 89 values") {
		t.Errorf("too little room: %v", err)
	}
	if err := net.RunInto(tensor.New(9, 64, 64, 3), make([]float32, 90)); err != nil {
		t.Error(err)
	}
}

// TestPartsAreTimed holds that the times of operations in parts add up to what the run took, not to that of
// all threads.
func TestPartsAreTimed(t *testing.T) {
	net := nn.Compile(registered(t, "mobilenetv3_small_100").Full(10, rng.New(3)))
	p := autograd.NewProfile()
	start := time.Now()
	if _, err := net.RunProfiled(tensor.New(16, 96, 96, 3), p); err != nil {
		t.Fatal(err)
	}
	took, sum := time.Since(start), time.Duration(0)
	for _, row := range p.Shares() {
		sum += row.Time
	}
	if sum > took || sum < took/2 {
		t.Errorf("the operations took %v, the run %v", sum, took)
	}
}
