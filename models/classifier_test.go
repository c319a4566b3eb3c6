package models

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestGroupsAgainstFastai compares names, shapes, layer groups and
// weight-decay flags with fastai's cnn_learner. fastai numbers the body's units
// (0.4 is layer1); our names are torchvision's.
func TestGroupsAgainstFastai(t *testing.T) {
	var ref map[string]struct {
		Params []struct {
			Name        string
			Shape       []int
			Group       int
			WeightDecay bool `json:"weight_decay"`
			ForceTrain  bool `json:"force_train"`
		}
	}
	golden.JSON(t, "06_cnn_learner.json", &ref)
	rename := map[string]string{"0.0.": "conv1.", "0.1.": "bn1.", "0.4.": "layer1.", "0.5.": "layer2.", "0.6.": "layer3.", "0.7.": "layer4."}
	for _, arch := range []*Architecture{ResNet34, SqueezeNet1_1} {
		t.Run(arch.Name, func(t *testing.T) {
			c := NewClassifier(arch, 37, rng.New(1))
			type got struct {
				e     nn.Entry
				group int
			}
			ours := map[string]got{}
			for g, entries := range c.Groups() {
				for _, e := range entries {
					if e.Param != nil {
						ours[e.Name] = got{e, g}
					}
				}
			}
			params := ref[arch.Name].Params
			if len(params) != len(ours) || len(params) == 0 {
				t.Errorf("%d parameters, fastai has %d", len(ours), len(params))
			}
			for _, p := range params {
				name := p.Name
				switch {
				case strings.HasPrefix(name, "1."):
					name = "head." + name[2:]
				case arch == SqueezeNet1_1:
					name = "features." + strings.TrimPrefix(name, "0.0.")
				default:
					name = rename[name[:4]] + name[4:]
				}
				o, ok := ours[name]
				if !ok {
					t.Errorf("no parameter %s (fastai's %s)", name, p.Name)
					continue
				}
				if !tensor.SameShape(o.e.Shape, p.Shape) || o.group != p.Group || o.e.Decays() != p.WeightDecay || o.e.IsNorm() != p.ForceTrain {
					t.Errorf("%s: shape %v, group %d, decays %v, norm %v; fastai has %+v", name, o.e.Shape, o.group, o.e.Decays(), o.e.IsNorm(), p)
				}
			}
		})
	}
}

// quick are the smallest networks of each kind of block, which go test ./... has the
// time for.
var quick = map[string]bool{
	"resnet10_small": true, "resnet18": true, "resnet50": true, "resnet18d": true, "resnet14t": true, "seresnet18": true, "regnet_y_400mf": true,
	"regnety_004": true, "squeezenet1_1": true, "shufflenet_v2_x0_5": true, "mobilenet_v2": true, "mobilenet_v3_small": true, "mobilenetv3_small_100": true,
	"mobilenetv4_conv_small": true, "efficientnet_b0": true, "tf_efficientnet_lite0": true, "convnext_atto": true, "convnextv2_atto": true,
	"vit_tiny_patch16_224": true,
}

// large reports whether an architecture is left to the slow tests.
func large(name string) bool { return !quick[name] }

// TestEveryArchitecture runs a network of each kind of block forward and backward on a
// small odd size, under fastai's head, and compares the compiled network with the tape in
// evaluation mode. TestReferences has the others, which are made of the same blocks.
func TestEveryArchitecture(t *testing.T) {
	for _, name := range Names() {
		if large(name) && name != "densenet121" && name != "resnext50_32x4d" && name != "resnetblur18" {
			continue
		}
		a := registered(t, name)
		t.Run(name, func(t *testing.T) {
			switch name { // TestReferences has one of every kind in go test
			case "resnet10_small", "squeezenet1_1", "mobilenetv3_small_100", "vit_tiny_patch16_224":
			default:
				slow.Test(t)
			}
			r, c := rng.New(7), undrawn(a, 5)
			for _, e := range nn.State(c) {
				fillByFormula(e, e.Name, 1.6)
			}
			x := tensor.New(2, 45, 37, 3)
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			tp := autograd.NewTape(autograd.NewArena())
			tp.Record, tp.Training, tp.Rand = true, true, rng.New(3)
			y := forward(t, c, tp, tp.Input(x, false))
			d := tensor.New(2, 5)
			d.Data[1], d.Data[7] = 1, -1
			tp.Backward(y, d)
			tp.Reset()
			for _, e := range nn.Parameters(c) {
				if !e.Param.HasGrad {
					t.Errorf("%s has no gradient", e.Name)
				}
			}
			tp.Record, tp.Training = false, false
			want := forward(t, c, tp, tp.Input(x, false)).Value.Clone()
			tp.Reset()
			got, err := nn.Compile(c).Run(x)
			if err != nil {
				t.Fatal(err)
			}
			ref := make([]float64, want.Len())
			for i, v := range want.Data {
				ref[i] = float64(v)
			}
			near(t, "compiled logits", got.Data, ref, 1e-4)
		})
	}
}

func TestUnknownArchitecture(t *testing.T) {
	_, err := ByName("resnet35")
	if err == nil || !strings.Contains(err.Error(), "resnet34") {
		t.Errorf("error %v does not name the known architectures", err)
	}
}

func TestPictureTooSmall(t *testing.T) {
	_, err := nn.Compile(SqueezeNet1_1.Full(10, rng.New(1))).Run(tensor.New(1, 8, 8, 3))
	if err == nil || !strings.Contains(err.Error(), "too small") {
		t.Errorf("an 8×8 picture gave %v", err)
	}
}

// TestMinSize runs architectures on their smallest picture, and on one that is a
// pixel smaller.
func TestMinSize(t *testing.T) {
	for _, a := range []*Architecture{SqueezeNet1_0, SqueezeNet1_1, ResNet10Small, ResNetBlur18} {
		net := nn.Compile(a.Body(rng.New(1)))
		least := max(1, a.MinSize)
		if _, err := net.Run(tensor.New(1, least, least, 3)); err != nil {
			t.Errorf("%s with %d×%d: %v", a.Name, least, least, err)
		}
		if a.MinSize == 0 {
			continue
		}
		for _, x := range []*tensor.Tensor{tensor.New(1, least-1, least, 3), tensor.New(1, least, least-1, 3)} {
			if _, err := net.Run(x); err == nil || !strings.Contains(err.Error(), "too small") {
				t.Errorf("%s with %v, below its MinSize %d: error %v", a.Name, x.Shape, least, err)
			}
		}
	}
}
