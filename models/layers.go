package models

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/nn"
)

// Layers divides a network by depth, for learning rates that fall from layer to layer
// (train.LayerDecay). What comes before the first block is the lowest layer; each block
// is one, with what stands between it and the next; the head is the last. The zero value
// makes a layer of each unit of the body.
type Layers struct {
	// Blocks is a regular expression that matches the beginning of the names of the
	// blocks' parameters. Names belong to the same block if its groups match the same
	// text, a group that matches nothing standing for "0".
	Blocks string
	// WithHead is what names of the end of the body begin with that belong to the head's
	// layer; "" if there are none.
	WithHead string
}

// LayersByName returns the number of each parameter's layer, counted from the input, by
// its name, and the number of layers, of which the head is the last. For networks that
// timm has they are those of its param_groups_layer_decay, whatever the names; see
// Architecture.Layers.
func (c *Classifier) LayersByName() (layer map[string]int, layers int, err error) {
	body := nn.State(c.Body)
	of, err := c.Arch.bodyLayers(body)
	if err != nil {
		return nil, 0, fmt.Errorf("models: %w", err)
	}
	layers = slices.Max(of) + 2
	layer = map[string]int{}
	for i, e := range body {
		layer[e.Name] = of[i]
		if of[i] < 0 {
			layer[e.Name] = layers - 1
		}
	}
	for _, l := range c.headLayers() {
		for _, e := range nn.State(l.Module) {
			layer[l.Name+"."+e.Name] = layers - 1
		}
	}
	return layer, layers, nil
}

// bodyLayers returns the layers of a body's parameters and buffers, in their order; -1
// is the head's.
func (a *Architecture) bodyLayers(body nn.StateDict) ([]int, error) {
	block, err := regexp.Compile("^(?:" + a.Layers.Blocks + ")")
	if err != nil {
		return nil, fmt.Errorf("architecture %q: Layers.Blocks: %w", a.Name, err)
	}
	var of []int
	layer, last := 0, []string(nil)
	for i, e := range body {
		if p := a.Layers.WithHead; p != "" && strings.HasPrefix(e.Name, p) {
			of = append(of, -1)
			continue
		}
		if now := a.blockOf(block, e.Name); now != nil && !slices.Equal(now, last) {
			if i > 0 {
				layer++
			}
			last = now
		}
		of = append(of, layer)
	}
	return of, nil
}

// blockOf returns what tells the block of a parameter from the others, nil if it is in none.
func (a *Architecture) blockOf(block *regexp.Regexp, name string) []string {
	if a.Layers.Blocks == "" {
		unit, _, _ := strings.Cut(strings.TrimPrefix(name, a.Prefix+"."), ".")
		return []string{unit}
	}
	found := block.FindStringSubmatch(name)
	if found == nil {
		return nil
	}
	for i, s := range found[1:] {
		if s == "" {
			found[1+i] = "0"
		}
	}
	return found[1:]
}
