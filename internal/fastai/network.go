package fastai

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/weights"
)

// Network is a network of fastai's vision_learner: Sequential(body, head).
type Network struct {
	// Arch is the name by which the learner was made: that of a function, mostly
	// torchvision's, or timm's, without its tag. "" where the file does not say.
	Arch string
	// Weights has the parameters under the names of the Sequential, "0.…" for the
	// body and "1.…" for the head, whose layers count as in fastai's complete head.
	Weights *weights.File
	Classes int
	// Layers is what the body's layers are, for Check.
	Layers []Layer
}

// maxDepth bounds how deep modules nest; weights.Saved bounds how many there are.
const maxDepth = 64

// child returns the module called name in a module.
func child(module any, name string) any {
	d, _ := pickle.Attr(module, "_modules").(*pickle.Dict)
	return d.Get(name)
}

// readNetwork reads model, and what the learner's attribute arch says about it.
func readNetwork(s *weights.Saved, model, arch any) (n Network, err error) {
	for range 4 { // wrappers that change nothing
		inner := child(model, "module") // DataParallel
		if inner == nil {
			inner = child(model, "_orig_mod") // torch.compile
		}
		if inner == nil {
			break
		}
		model = inner
	}
	switch v := arch.(type) {
	case pickle.Global:
		n.Arch = v.Name
	case *pickle.Object:
		n.Arch = ownName(v)
	case string:
		n.Arch, _, _ = strings.Cut(v[strings.LastIndexByte(v, '/')+1:], ".")
	}
	class, _ := classOf(model)
	body, head := child(model, "0"), child(model, "1")
	if class != "torch.nn.modules.container.Sequential" || body == nil || head == nil || child(model, "2") != nil {
		return n, fmt.Errorf("the network is a %s and not vision_learner's body and head; its parameters can be the start of training (--weights)", shown(class))
	}
	if n.Layers, err = layersOf(body); err != nil {
		return n, err
	}
	if name, _ := classOf(body); name == "fastai.vision.learner.TimmBody" && n.Arch == "" {
		if cfg, ok := pickle.Attr(child(body, "model"), "pretrained_cfg").(*pickle.Dict); ok {
			n.Arch, _ = cfg.Get("architecture").(string)
		}
	}
	if n.Weights, err = s.Module(body); err != nil {
		return n, err
	}
	top, err := s.Module(head)
	if err != nil {
		return n, err
	}
	for i := range n.Weights.Arrays {
		n.Weights.Arrays[i].Name = "0." + n.Weights.Arrays[i].Name
	}
	if n.Classes, err = n.head(head, top); err != nil {
		return n, err
	}
	return n, nil
}

// part is a layer of a head: its class, and the number that it has in the head
// that fastai makes by default.
type part struct {
	class     string
	number    int
	droppable bool // ps=0 leaves it out
}

// completeHead is create_head's by default.
var completeHead = []part{
	{class: "fastai.layers.AdaptiveConcatPool2d", number: 0}, {class: "fastai.layers.Flatten", number: 1},
	{class: "torch.nn.modules.batchnorm.BatchNorm1d", number: 2}, {class: "torch.nn.modules.dropout.Dropout", number: 3, droppable: true},
	{class: "torch.nn.modules.linear.Linear", number: 4}, {class: "torch.nn.modules.activation.ReLU", number: 5},
	{class: "torch.nn.modules.batchnorm.BatchNorm1d", number: 6}, {class: "torch.nn.modules.dropout.Dropout", number: 7, droppable: true},
	{class: "torch.nn.modules.linear.Linear", number: 8},
}

// head adds the head's arrays to n's weights under the numbers of the complete
// head and returns its number of classes. It returns an error for a head of another
// form.
func (n *Network) head(head any, arrays *weights.File) (classes int, err error) {
	members, _ := pickle.Attr(head, "_modules").(*pickle.Dict)
	class, _ := classOf(head)
	if class != "torch.nn.modules.container.Sequential" || members == nil || len(members.Keys) > maxItems {
		return 0, fmt.Errorf("the head is a %s (custom_head); Whippet has create_head's", shown(class))
	}
	numbers := map[string]int{}
	at := 0
	var classesOf []string
	fits := true
	for i, k := range members.Keys {
		name, _ := k.(string)
		class, _ := classOf(members.Values[i])
		classesOf = append(classesOf, shown(class[strings.LastIndexByte(class, '.')+1:]))
		for at < len(completeHead) && completeHead[at].class != class && completeHead[at].droppable {
			at++
		}
		if at == len(completeHead) || completeHead[at].class != class {
			fits = false
			continue
		}
		numbers[name] = completeHead[at].number
		at++
	}
	if !fits || at != len(completeHead) {
		return 0, fmt.Errorf("the head is %s; Whippet has the one that create_head makes without lin_ftrs of two or more, bn_final, lin_first, concat_pool=False or y_range", strings.Join(classesOf, ", "))
	}
	for _, a := range arrays.Arrays {
		name, rest, _ := strings.Cut(a.Name, ".")
		a.Name = fmt.Sprintf("1.%d.%s", numbers[name], rest)
		if a.Name == "1.4.bias" || a.Name == "1.8.bias" {
			return 0, errors.New("a linear layer of the head has a bias (first_bn=False); Whippet's heads have batch norms and none")
		}
		if a.Name == "1.8.weight" && len(a.Shape) == 2 {
			classes = a.Shape[0]
		}
		n.Weights.Arrays = append(n.Weights.Arrays, a)
	}
	return classes, nil
}
