package models

import (
	"fmt"
	"math"
	"strconv"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// blockKind is one of the blocks that timm's MobileNets and EfficientNets are made
// of, under the name that its descriptions of networks have for it.
type blockKind int

const (
	convBlock blockKind = iota // cn: a convolution, norm, activation
	separable                  // ds: depthwise, 1×1
	inverted                   // ir: 1×1 to more channels, depthwise, 1×1 to fewer
	edge                       // er: convolution to more channels, 1×1 to fewer
	universal                  // uir: depthwise or not, 1×1, depthwise or not, 1×1
)

// mobileRow describes blocks that follow each other, of which the first has the
// stride.
type mobileRow struct {
	kind           blockKind
	blocks         int
	kernel, stride int
	expand         float64 // channels inside, as a multiple of those that come in
	out            int
	with           rowOptions
}

// rowOptions is what only some rows have.
type rowOptions struct {
	start         int  // the kernel of the depthwise convolution that a universal block begins with
	squeezeExcite bool // squeeze-and-excitation
	relu          bool // ReLU in place of the network's activation
	skip          bool // a shortcut around a convBlock
}

var (
	plain       = rowOptions{}
	reluRow     = rowOptions{relu: true}
	squeeze     = rowOptions{squeezeExcite: true}
	squeezeReLU = rowOptions{squeezeExcite: true, relu: true}
	start3      = rowOptions{start: 3}
	start5      = rowOptions{start: 5}
)

// mobileNet describes a network of the family as timm has it.
type mobileNet struct {
	stem       int           // channels of the first convolution
	stages     [][]mobileRow // timm's "blocks"
	head       int           // channels of the 1×1 convolution at the end
	late       bool          // that convolution comes after pooling, MobileNetV3's "efficient head"
	lateNorm   bool          // with a norm and without bias
	activation op.Activation
	squeeze    func(in, hidden int) *nn.SqueezeExcite

	tensorflow bool // "same" padding, and batch norms' eps of 1e-3
}

// scaled returns the stages with more or fewer channels and blocks, which in the
// first and the last stage stay as many as they are where fixed is set.
func scaled(stages [][]mobileRow, width, depth float64, fixed bool) [][]mobileRow {
	out := make([][]mobileRow, len(stages))
	for i, rows := range stages {
		for _, r := range rows {
			r.out = divisible(float64(r.out)*width, 8)
			if !fixed || i > 0 && i < len(stages)-1 {
				r.blocks = int(math.Ceil(float64(r.blocks) * depth))
			}
			out[i] = append(out[i], r)
		}
	}
	return out
}

// mobileNames is how a library calls the parts of a network: timm, or the first
// PyTorch port of EfficientNet (lukemelas/EfficientNet-PyTorch, rwightman's
// gen-efficientnet apart), whose names the weights of some packages have.
type mobileNames struct {
	stem, stemNorm, blocks, head, headNorm, classifier string
	flat                                               bool // blocks are counted through all stages
	block                                              [universal + 1]blockNames
}

// blockNames are the names of the convolutions and norms in the order they run, of
// squeeze-and-excitation before the last pair, and of its convolutions.
type blockNames struct {
	convs, norms           []string
	squeeze, reduce, widen string
}

var (
	timmNames = mobileNames{
		stem: "conv_stem", stemNorm: "bn1", blocks: "blocks", head: "conv_head", headNorm: "bn2", classifier: "classifier",
		block: [...]blockNames{
			convBlock: {convs: []string{"conv"}, norms: []string{"bn1"}},
			separable: {[]string{"conv_dw", "conv_pw"}, []string{"bn1", "bn2"}, "se", "conv_reduce", "conv_expand"},
			inverted:  {[]string{"conv_pw", "conv_dw", "conv_pwl"}, []string{"bn1", "bn2", "bn3"}, "se", "conv_reduce", "conv_expand"},
			edge:      {convs: []string{"conv_exp", "conv_pwl"}, norms: []string{"bn1", "bn2"}},
			universal: {
				convs: []string{"dw_start.conv", "pw_exp.conv", "dw_mid.conv", "pw_proj.conv"},
				norms: []string{"dw_start.bn", "pw_exp.bn", "dw_mid.bn", "pw_proj.bn"},
			},
		},
	}
	portNames = mobileNames{
		stem: "_conv_stem", stemNorm: "_bn0", blocks: "_blocks", head: "_conv_head", headNorm: "_bn1", classifier: "_fc", flat: true,
		block: [...]blockNames{
			separable: {[]string{"_depthwise_conv", "_project_conv"}, []string{"_bn1", "_bn2"}, "", "_se_reduce", "_se_expand"},
			inverted:  {[]string{"_expand_conv", "_depthwise_conv", "_project_conv"}, []string{"_bn0", "_bn1", "_bn2"}, "", "_se_reduce", "_se_expand"},
			universal: {},
		},
	}
)

// architecture returns the network under the given names.
func (m mobileNet) architecture(name string, names mobileNames, w ...Published) *Architecture {
	a := &Architecture{Name: name, Features: m.head, Weights: w, Init: initTimmMobile, Layers: Layers{Blocks: `blocks\.(\d+)\.(\d+)`},
		Units: func() *nn.Sequential { return m.units(names) },
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(nn.Child{Name: "global_pool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: names.classifier, Module: nn.NewLinear(m.head, classes, true)})
		},
	}
	if m.late {
		last := m.stages[len(m.stages)-1]
		a.Features = last[len(last)-1].out
		a.Top = m.lateHead
	}
	return a
}

// lateHead is the head of MobileNetV3 and V4: pooling, and only then the convolution
// to more channels.
func (m mobileNet) lateHead(classes int) *nn.Sequential {
	last := m.stages[len(m.stages)-1]
	layers := []nn.Child{
		{Name: "global_pool", Module: keptPool{}},
		{Name: timmNames.head, Module: nn.NewConv2d(last[len(last)-1].out, m.head, 1, 1, 0, !m.lateNorm)},
	}
	if m.lateNorm {
		layers = append(layers, nn.Child{Name: "norm_head", Module: m.convs().norm(m.head)})
	}
	return nn.NewNamed(append(layers,
		nn.Child{Name: "act2", Module: nn.Activation(m.activation)},
		nn.Child{Name: "flatten", Module: nn.GlobalAvgPool{}}, // of maps 1×1
		nn.Child{Name: timmNames.classifier, Module: nn.NewLinear(m.head, classes, true)})...)
}

// keptPool is the mean of a map as a map of one pixel: [N,H,W,C] to [N,1,1,C].
type keptPool struct{}

// Build appends the pooling.
func (keptPool) Build(g *graph.Graph, x graph.Value) graph.Value {
	return g.Add(op.GlobalPool{Keep: true}, x)
}

func (m mobileNet) units(names mobileNames) *nn.Sequential {
	c := m.convs()
	act := nn.Activation(m.activation)
	units := []nn.Child{
		{Name: names.stem, Module: c.conv(3, m.stem, 3, 2)}, {Name: names.stemNorm, Module: c.norm(m.stem)}, {Name: "act1", Module: act},
	}
	in, count := m.stem, 0
	var stages, all []nn.Child
	for s, rows := range m.stages {
		var blocks []nn.Module
		for _, r := range rows {
			for range r.blocks {
				b := m.block(names.block[r.kind], r, in)
				blocks, all = append(blocks, b), append(all, nn.Child{Name: strconv.Itoa(count), Module: b})
				in, r.stride = r.out, 1
				count++
			}
		}
		stages = append(stages, nn.Child{Name: strconv.Itoa(s), Module: nn.NewSequential(blocks...)})
	}
	if names.flat {
		stages = all
	}
	units = append(units, nn.Child{Name: names.blocks, Module: nn.NewNamed(stages...)})
	if !m.late {
		units = append(units, nn.Child{Name: names.head, Module: c.conv(in, m.head, 1, 1)},
			nn.Child{Name: names.headNorm, Module: c.norm(m.head)}, nn.Child{Name: "act2", Module: act})
	}
	return nn.NewNamed(units...)
}

// convs makes the network's convolutions and norms.
func (m mobileNet) convs() timmConv {
	if m.tensorflow {
		return timmConv{convNorm{eps: 1e-3, momentum: 0.1}, true}
	}
	return timmConv{convNorm{eps: 1e-5, momentum: 0.1}, false}
}

// block builds a block of a row.
func (m mobileNet) block(names blockNames, r mobileRow, in int) nn.Module {
	c, hidden := m.convs(), divisible(float64(in)*r.expand, 8)
	act := m.activation
	if r.with.relu {
		act = op.ReLU
	}
	b := &mobileBlock{add: r.stride == 1 && in == r.out && (r.kind != convBlock || r.with.skip)}
	add := func(i int, conv nn.Module, channels int, a op.Activation) {
		b.layer(names.convs[i], conv)
		b.layer(names.norms[i], c.norm(channels))
		if a != op.Identity {
			b.run = append(b.run, nn.Activation(a))
		}
	}
	switch r.kind {
	case convBlock:
		add(0, c.conv(in, r.out, r.kernel, r.stride), r.out, act)
	case separable:
		add(0, c.depthwise(in, r.kernel, r.stride), in, act)
		b.squeeze(names, m, r, in, in)
		add(1, c.conv(in, r.out, 1, 1), r.out, op.Identity)
	case inverted:
		add(0, c.conv(in, hidden, 1, 1), hidden, act)
		add(1, c.depthwise(hidden, r.kernel, r.stride), hidden, act)
		b.squeeze(names, m, r, in, hidden)
		add(2, c.conv(hidden, r.out, 1, 1), r.out, op.Identity)
	case edge:
		add(0, c.conv(in, hidden, r.kernel, r.stride), hidden, act)
		add(1, c.conv(hidden, r.out, 1, 1), r.out, op.Identity)
	case universal:
		if r.with.start > 0 {
			stride := 1
			if r.kernel == 0 {
				stride = r.stride
			}
			add(0, c.depthwise(in, r.with.start, stride), in, op.Identity)
		}
		add(1, c.conv(in, hidden, 1, 1), hidden, act)
		if r.kernel > 0 {
			add(2, c.depthwise(hidden, r.kernel, r.stride), hidden, act)
		}
		add(3, c.conv(hidden, r.out, 1, 1), r.out, op.Identity)
	default:
		panic(fmt.Sprintf("models: block kind %d", r.kind))
	}
	return b
}

// mobileBlock runs its layers one after the other, plus x where add is set.
type mobileBlock struct {
	run      []nn.Module
	children []nn.Child // those with parameters, under their names
	add      bool
	dropPath
}

func (b *mobileBlock) layer(name string, m nn.Module) {
	b.run = append(b.run, m)
	b.children = append(b.children, nn.Child{Name: name, Module: m})
}

// squeeze adds squeeze-and-excitation if the row has it.
func (b *mobileBlock) squeeze(names blockNames, m mobileNet, r mobileRow, in, hidden int) {
	if !r.with.squeezeExcite {
		return
	}
	se := m.squeeze(in, hidden)
	se.ReduceName, se.ExpandName = names.reduce, names.widen
	if names.squeeze != "" {
		b.layer(names.squeeze, se)
		return
	}
	b.run, b.children = append(b.run, se), append(b.children, se.Children()...)
}

// Build appends the block, reading x [N,H,W,C].
func (b *mobileBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	y := x
	for _, l := range b.run {
		y = l.Build(g, y)
	}
	if !b.add {
		return y
	}
	return b.dropPath.add(g, x, y)
}

// Children returns the layers.
func (b *mobileBlock) Children() []nn.Child { return b.children }

// timmConv makes convolutions that stand beside their norms and activations.
type timmConv struct {
	convNorm
	same bool // TensorFlow's padding, which differs from half the window at strides only
}

func (c timmConv) conv(in, out, kernel, stride int) nn.Module {
	l := nn.NewConv2d(in, out, kernel, stride, kernel/2, false)
	if c.same && stride > 1 {
		l.Pad, l.Same = 0, true
	}
	return l
}

func (c timmConv) depthwise(channels, kernel, stride int) nn.Module {
	pad := op.Padding{Rows: kernel / 2, Cols: kernel / 2}
	if c.same && stride > 1 {
		pad = op.Padding{Same: true}
	}
	return nn.NewDepthwiseConv2d(channels, kernel, stride, pad, false)
}

// initTimmMobile is timm's: normal with the fan out of one group for convolutions,
// U(±1/√outputs) for linear layers, biases 0.
func initTimmMobile(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		switch {
		case e.Kind == nn.ConvWeight && e.Shape[1] == 1 && e.Shape[2] > 1: // depthwise
			nn.Normal(e, math.Sqrt(2/float64(e.Shape[2]*e.Shape[3])), r)
		case e.Kind == nn.ConvWeight:
			nn.KaimingNormal(e, true, r)
		case e.Kind == nn.LinearWeight:
			nn.Uniform(e, 1/math.Sqrt(float64(e.Shape[0])), r)
		}
	}
}
