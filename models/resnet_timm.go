package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
)

// Residual networks as timm builds them. D has a stem of three 3×3 convolutions and
// shortcuts that an average pool makes smaller (He et al. 2018, "Bag of Tricks",
// https://arxiv.org/abs/1812.01187), T a narrower stem; SE has
// squeeze-and-excitation at the end of each block (Hu et al. 2017,
// https://arxiv.org/abs/1709.01507), and blur makes maps smaller without aliasing (Zhang
// 2019, https://arxiv.org/abs/1904.11486).
var (
	ResNet10t = builtin(timmT.of("resnet10t", false, [4]int{1, 1, 1, 1}))
	ResNet14t = builtin(timmT.of("resnet14t", true, [4]int{1, 1, 1, 1}))
	ResNet26t = builtin(timmT.of("resnet26t", true, [4]int{2, 2, 2, 2}))
	ResNet50t = builtin(timmT.of("resnet50t", true, [4]int{3, 4, 6, 3}))

	ResNet18d = builtin(timmD.of("resnet18d", false, [4]int{2, 2, 2, 2}))
	ResNet26d = builtin(timmD.of("resnet26d", true, [4]int{2, 2, 2, 2}))
	ResNet34d = builtin(timmD.of("resnet34d", false, [4]int{3, 4, 6, 3}))
	ResNet50d = builtin(timmD.of("resnet50d", true, [4]int{3, 4, 6, 3}))

	ResNet26 = builtin(timmPlain.of("resnet26", true, [4]int{2, 2, 2, 2}))

	SEResNet18 = builtin(timmSE.of("seresnet18", false, [4]int{2, 2, 2, 2}))
	SEResNet34 = builtin(timmSE.of("seresnet34", false, [4]int{3, 4, 6, 3}))
	SEResNet50 = builtin(timmSE.of("seresnet50", true, [4]int{3, 4, 6, 3}))

	ResNetBlur18  = builtin(timmBlur.of("resnetblur18", false, [4]int{2, 2, 2, 2}))
	ResNetBlur50  = builtin(timmBlur.of("resnetblur50", true, [4]int{3, 4, 6, 3}))
	ResNetBlur50d = builtin(timmBlurD.of("resnetblur50d", true, [4]int{3, 4, 6, 3}))
)

var (
	timmPlain = residualNet{twoGroups: true, zeroLast: true}
	timmT     = residualNet{twoGroups: true, zeroLast: true, averageDown: true, stem: [2]int{24, 32}}
	timmD     = residualNet{twoGroups: true, zeroLast: true, averageDown: true, stem: [2]int{32, 32}}
	timmSE    = residualNet{twoGroups: true, zeroLast: true, squeeze: true}
	timmBlur  = residualNet{twoGroups: true, zeroLast: true, blur: true}
	timmBlurD = residualNet{twoGroups: true, zeroLast: true, averageDown: true, stem: [2]int{32, 32}, blur: true}
)

// of is the network of this kind with so many blocks in each stage.
func (n residualNet) of(name string, bottleneck bool, layers [4]int) *Architecture {
	n.bottleneck, n.layers = bottleneck, layers
	return n.architecture(name)
}

// initZeroLast is InitKaiming with 0 for the scale of the norm that ends a block, so
// that a block begins as its shortcut.
func initZeroLast(m nn.Module, r *rng.Stream) {
	InitKaiming(m, r)
	nn.Walk(m, func(_ string, m nn.Module) {
		if b, ok := m.(*residual); ok {
			clear(b.norms[len(b.norms)-1].S.Weight.Value.Data)
		}
	})
}
