package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
)

// TestLayersAreTimms compares the layers of networks, in the names that timm has for
// their parameters, with those of timm's param_groups_layer_decay.
func TestLayersAreTimms(t *testing.T) {
	raw, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Parameters []int
		SHA256     string
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	timm := map[string]string{}
	for name := range all {
		timm[name] = name
	}
	for name, twin := range timmTwins {
		if twin != "" {
			timm[name] = twin
		}
	}
	for _, a := range timmHas(t, timm) {
		t.Run(a.Name, func(t *testing.T) {
			if large(a.Name) && a.Name != "densenet121" {
				slow.Test(t)
			}
			want, ok := all[timm[a.Name]]
			if !ok {
				t.Fatalf("testdata/layers.json lacks timm's %s", timm[a.Name])
			}
			theirs, err := a.timmNames(timm[a.Name])
			if err != nil {
				t.Fatal(err)
			}
			c := &Classifier{Arch: a, Body: a.named(a.Units()), Head: a.top(3), OwnHead: true}
			layer, n, err := c.LayersByName()
			if err != nil {
				t.Fatal(err)
			}
			counts, lines := make([]int, n), []string(nil)
			for _, e := range nn.Parameters(c) {
				l, ok := layer[e.Name]
				if !ok {
					t.Fatalf("%s has no layer", e.Name)
				}
				counts[l]++
				name := e.Name
				if their, ok := theirs[name]; ok {
					name = their
				}
				lines = append(lines, fmt.Sprint(name, " ", l))
			}
			if !slices.Equal(counts, want.Parameters) {
				t.Fatalf("parameters in each layer\n%v, timm has\n%v", counts, want.Parameters)
			}
			slices.Sort(lines)
			sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
			if hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Errorf("as many parameters in each layer as timm has, but others:\n%s", strings.Join(lines, "\n"))
			}
		})
	}
}

// timmHas returns the architectures of which names has the names, and fails for one that
// names lacks though timm has it.
func timmHas(t *testing.T, names map[string]string) []*Architecture {
	t.Helper()
	var found []*Architecture
	for _, a := range all() {
		if _, ok := builtinNamed(a); !ok {
			continue // of another test
		}
		if _, ok := names[a.Name]; ok {
			found = append(found, a)
		} else if twin, known := timmTwins[a.Name]; !known || twin != "" {
			t.Errorf("%s: testdata/layers.py does not ask timm for it", a.Name)
		}
	}
	return found
}

// TestLayersOfOthers: a network without a description has a layer for each unit, and
// networks that timm does not have one for each block.
func TestLayersOfOthers(t *testing.T) {
	a := small("layered")
	c := NewClassifier(a, 3, rng.New(1))
	_, n, err := c.LayersByName()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(a.unitsOf(c.Body)); n > want+1 || n < 3 {
		t.Errorf("%d layers of %d units and a head", n, want)
	}
	for name, want := range map[string]int{
		"squeezenet1_1":      1 + 8 + 1, // the first convolution, fire modules, head
		"shufflenet_v2_x0_5": 1 + 4 + 8 + 4 + 1,
		"mobilenet_v3_small": 1 + 11 + 1 + 1, // the last convolution is a layer, as in timm
		"efficientnet_v2_s":  1 + 40 + 1,
	} {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &Classifier{Arch: a, Body: a.named(a.Units()), Head: a.newHead(3, rng.New(1))}
		layer, n, err := c.LayersByName()
		if err != nil || n != want {
			t.Errorf("%s has %d layers, want %d (%v)", name, n, want, err)
		}
		for _, e := range nn.Parameters(c) {
			l, ok := layer[e.Name]
			if !ok || strings.HasPrefix(e.Name, headName+".") != (l == n-1) {
				t.Errorf("%s: %s is in layer %d of %d", name, e.Name, l, n)
			}
		}
	}
}
