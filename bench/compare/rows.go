package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// row is one line of the table.
type row struct {
	name  string
	task  string // train, frozen, infer
	arch  string
	batch int
	self  bool // the peer is Whippet on one thread
}

// rows are the work that is compared: a training step and inference of each
// family, at the sizes that people use.
var rows = func() []row {
	all := []row{
		{name: "ResNet-34 training", task: "train", arch: "resnet34", batch: 32},
		{name: "ResNet-34 training, frozen", task: "frozen", arch: "resnet34", batch: 32},
		{name: "ResNet-34 training, batch 64", task: "train", arch: "resnet34", batch: 64},
		{name: "ResNet-34 training on all threads against one", task: "train", arch: "resnet34", batch: 32, self: true},
	}
	for _, n := range []struct{ name, arch string }{
		{"ResNet-34", "resnet34"}, {"ResNet-50", "resnet50"}, {"SqueezeNet 1.1", "squeezenet1_1"}, {"MobileNetV3-L", "mobilenet_v3_large"},
		{"EfficientNet-B0", "efficientnet_b0"}, {"RegNetY-1.6", "regnet_y_1_6gf"}, {"ConvNeXt-T", "convnext_tiny"}, {"ViT-S/16", "vit_small_patch16_224"},
	} {
		if n.arch != "resnet34" {
			all = append(all, row{name: n.name + " training", task: "train", arch: n.arch, batch: 32})
		}
		all = append(all, row{name: n.name + " inference, batch 1", task: "infer", arch: n.arch, batch: 1},
			row{name: n.name + " inference, batch 32", task: "infer", arch: n.arch, batch: 32})
	}
	return all
}()

// trial is what one setting of a peer took for a row.
type trial struct{ row, setting, took string }

// fastest tries every setting of every peer once and returns the fastest.
func (c config) fastest(r row) (best peer, tried []trial) {
	short := c
	short.steps = max(2, c.steps/2)
	quickest := math.Inf(1)
	for _, p := range c.peers(r) {
		took, err := short.turn(r, p)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %s is left out: %v\n", r.name, p.setting, err)
			tried = append(tried, trial{r.name, p.setting, "failed"})
			continue
		}
		ms := median(took.Times)
		tried = append(tried, trial{r.name, took.Peer + p.suffix, fmt.Sprintf("%.1f", ms)})
		if ms < quickest {
			quickest, best = ms, p
		}
	}
	return best, tried
}

// row measures one line in turns and prints it.
func (c config) row(r row) (tried []trial, m measured, err error) {
	var best peer
	if !r.self {
		if best, tried = c.fastest(r); best.args == nil {
			return tried, m, fmt.Errorf("no peer could run it")
		}
	}
	var ours, theirs, ratios []float64
	var memory [2]float64
	name := "one thread"
	quickest := [2]float64{math.Inf(1), math.Inf(1)}
	for range c.rounds {
		w, err := c.ours(r, c.threads)
		if err != nil {
			return tried, m, err
		}
		var p result
		if r.self {
			p, err = c.ours(r, 1)
		} else {
			p, err = c.turn(r, best)
			name = p.Peer + best.suffix
		}
		if err != nil {
			return tried, m, err
		}
		quickest[0], quickest[1] = min(quickest[0], slices.Min(w.Times)), min(quickest[1], slices.Min(p.Times))
		a, b := median(w.Times), median(p.Times)
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, b/a)
		memory[0], memory[1] = max(memory[0], w.rss()), max(memory[1], p.rss())
	}
	fmt.Printf("| %s | %.1f ms | %.1f ms (%s) | **%.2f×** | %s | %.2f | %.0f / %.0f MB, %.2f |\n", r.name, median(ours), median(theirs), name,
		median(ratios), each(ratios), quickest[1]/quickest[0], memory[0], memory[1], memory[0]/memory[1])
	return tried, measured{median(ratios), memory[0] / memory[1]}, nil
}

func each(ratios []float64) string {
	var s []string
	for _, v := range ratios {
		s = append(s, fmt.Sprintf("%.2f", v))
	}
	return strings.Join(s, ", ")
}

// median of an odd number of values, or the mean of the middle two.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
