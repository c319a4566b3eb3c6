package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// fastaiGroup is a layer group of fastai's: see testdata/fastai_learners.py.
type fastaiGroup struct {
	Parameters, Numbers int
	SHA256              string
}

var every = flag.Bool("every", false, "compare the larger networks' scores with fastai's too, which takes minutes")

// TestFastaiLearners compares classifiers with what fastai's vision_learner makes of the
// same networks: the layer groups by names and shapes; and, of all but the larger ones, the
// scores, and the body that it reads out of what fastai's learner saves.
func TestFastaiLearners(t *testing.T) {
	raw, err := os.ReadFile("testdata/fastai_learners.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Size   int
		Gain   float64
		Scores []float64
		Groups []fastaiGroup
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			arch := strings.TrimPrefix(name, "timm:")
			if name != "squeezenet1_1" && name != "mobilenetv3_small_100" && name != "vit_tiny_patch16_224" {
				slow.Test(t)
			}
			a, err := ByName(arch)
			if err != nil {
				t.Fatal(err)
			}
			facts, err := a.Facts()
			if err != nil {
				t.Fatal(err)
			}
			c := undrawn(a, len(want.Scores))
			names, got := c.fastaiNames(t, want.Groups)
			if names == nil {
				t.Fatalf("layer groups\n%v, fastai has\n%v", got, want.Groups)
			}
			if facts.Parameters > 12e6 && !*every { // they have the blocks of smaller ones
				return
			}
			for _, e := range nn.State(c) {
				fillByFormula(e, names[e.Name], want.Gain)
			}
			side := want.Size
			x := tensor.New(1, side, side, 3)
			for i, u := range golden.Uniform("picture", 3*side*side) {
				x.Data[i%(side*side)*3+i/(side*side)] = float32(1.5 * u)
			}
			y, err := nn.Compile(c).Run(x)
			if err != nil {
				t.Fatal(err)
			}
			if d := relL2(y.Data, want.Scores); !(d <= 2e-5) {
				t.Errorf("scores off by %.1e of their norm: %v, fastai has %v", d, y.Data, want.Scores)
			}
			f := &weights.File{}
			for _, e := range nn.State(c) {
				x := e.Array()
				x.Name = names[e.Name]
				f.Arrays = append(f.Arrays, x)
			}
			back := undrawn(a, len(want.Scores))
			if err := back.SetBody(f); err != nil {
				t.Fatalf("what fastai's learner saves: %v", err)
			}
			from := nn.State(c.Body)
			for i, e := range nn.State(back.Body) {
				if !slices.Equal(e.Values(), from[i].Values()) {
					t.Fatalf("what fastai's learner saves has another %s", e.Name)
				}
			}
		})
	}
}

// undrawn is NewClassifier with zeros in the body: drawing its initial weights takes longer
// than running it.
func undrawn(a *Architecture, classes int) *Classifier {
	return &Classifier{Arch: a, Classes: classes, Body: a.named(a.Units()), Head: a.newHead(classes, rng.New(1))}
}

// fastaiNames returns fastai's names of c's parameters and buffers in the spelling whose
// layer groups are want; otherwise nil, and the groups in the last spelling.
func (c *Classifier) fastaiNames(t *testing.T, want []fastaiGroup) (names map[string]string, got []fastaiGroup) {
	t.Helper()
	l, err := c.Arch.layout()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range l.namings {
		theirs := map[string]string{}
		for their, our := range n.ours {
			theirs[our] = their
		}
		for _, timm := range []bool{true, false} {
			names, got = map[string]string{}, nil
			for _, g := range c.Groups() {
				var lines []string
				one := fastaiGroup{}
				for _, e := range g {
					name := theirs[e.Name]
					if rest, ok := strings.CutPrefix(e.Name, headName+"."); ok && l.shapes[e.Name] == nil {
						name = "1." + rest
					} else if timm {
						name = timmPrefix + name
					} else {
						name = n.numbered(name)
					}
					names[e.Name] = name
					if e.Param == nil {
						continue
					}
					shape := []string{}
					for _, d := range withoutOnes(e.Shape) {
						shape = append(shape, strconv.Itoa(d))
					}
					lines = append(lines, fmt.Sprintf("%s [%s]", name, strings.Join(shape, ", ")))
					one.Numbers += e.Param.Value.Len()
				}
				slices.Sort(lines)
				sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
				one.Parameters, one.SHA256 = len(lines), hex.EncodeToString(sum[:])
				got = append(got, one)
			}
			if slices.Equal(got, want) {
				return names, got
			}
		}
	}
	return nil, got
}

// numbered is the name in fastai's Sequential of a network's first children.
func (n naming) numbered(name string) string {
	prefix := "0."
	if n.prefix {
		prefix = "0.0."
	}
	for i, u := range n.units {
		if rest, ok := strings.CutPrefix(name, u+"."); ok {
			return prefix + n.fastaiUnit(i) + "." + rest
		}
	}
	return name
}
