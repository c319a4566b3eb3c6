package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
)

// EfficientNets as timm builds them, under its names: Lite0 to Lite4, without
// squeeze-and-excitation, with ReLU6 and a stem and a head of fixed width
// (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite),
// and V2-S, of which efficientnetv2_rw_s is timm's own reading of the paper. Those with
// "tf_" have TensorFlow's padding and eps. efficientnet_b0 to b4 are torchvision's, for
// which timm has other names.
var (
	_ = builtin(ported("tf_efficientnet_b0", efficientNetTimm(1, 1, true)))
	_ = builtin(ported("tf_efficientnet_b1", efficientNetTimm(1, 1.1, true)))
	_ = builtin(ported("tf_efficientnet_b2", efficientNetTimm(1.1, 1.2, true)))
	_ = builtin(ported("tf_efficientnet_b3", efficientNetTimm(1.2, 1.4, true)))
	_ = builtin(ported("tf_efficientnet_b4", efficientNetTimm(1.4, 1.8, true)))

	_ = builtin(efficientNetLite(1, 1, false).architecture("efficientnet_lite0", timmNames))
	_ = builtin(efficientNetLite(1, 1.1, false).architecture("efficientnet_lite1", timmNames))
	_ = builtin(efficientNetLite(1.1, 1.2, false).architecture("efficientnet_lite2", timmNames))
	_ = builtin(efficientNetLite(1.2, 1.4, false).architecture("efficientnet_lite3", timmNames))
	_ = builtin(efficientNetLite(1.4, 1.8, false).architecture("efficientnet_lite4", timmNames))
	_ = builtin(ported("tf_efficientnet_lite0", efficientNetLite(1, 1, true)))
	_ = builtin(ported("tf_efficientnet_lite1", efficientNetLite(1, 1.1, true)))
	_ = builtin(ported("tf_efficientnet_lite2", efficientNetLite(1.1, 1.2, true)))
	_ = builtin(ported("tf_efficientnet_lite3", efficientNetLite(1.2, 1.4, true)))
	_ = builtin(ported("tf_efficientnet_lite4", efficientNetLite(1.4, 1.8, true)))

	_ = builtin(efficientNetV2STimm(false).architecture("efficientnetv2_s", timmNames))
	_ = builtin(efficientNetV2STimm(true).architecture("tf_efficientnetv2_s", timmNames))
	_ = builtin(efficientNetV2RWS().architecture("efficientnetv2_rw_s", timmNames))
)

// ported is a network whose weights come from TensorFlow: by timm, or by the first
// port, under its names.
func ported(name string, m mobileNet) *Architecture {
	return withSpelling(m.architecture(name, timmNames), func() *Architecture { return m.architecture(name, portNames) })
}

// efficientStages are B0's.
func efficientStages(o rowOptions) [][]mobileRow {
	return [][]mobileRow{
		{{separable, 1, 3, 1, 1, 16, o}},
		{{inverted, 2, 3, 2, 6, 24, o}},
		{{inverted, 2, 5, 2, 6, 40, o}},
		{{inverted, 3, 3, 2, 6, 80, o}},
		{{inverted, 3, 5, 1, 6, 112, o}},
		{{inverted, 4, 5, 2, 6, 192, o}},
		{{inverted, 1, 3, 1, 6, 320, o}},
	}
}

func efficientNetTimm(width, depth float64, tensorflow bool) mobileNet {
	return mobileNet{
		stem: divisible(32*width, 8), head: divisible(1280*width, 8), stages: scaled(efficientStages(squeeze), width, depth, false),
		activation: op.SiLU, squeeze: efficientSqueeze, tensorflow: tensorflow,
	}
}

func efficientSqueeze(in, hidden int) *nn.SqueezeExcite {
	return nn.NewSqueezeExcite(hidden, in/4, nn.SiLU(), nn.Sigmoid())
}

func efficientNetLite(width, depth float64, tensorflow bool) mobileNet {
	return mobileNet{
		stem: 32, head: 1280, stages: scaled(efficientStages(plain), width, depth, true),
		activation: op.ReLU6, tensorflow: tensorflow,
	}
}

func efficientNetV2STimm(tensorflow bool) mobileNet {
	return mobileNet{
		stem: 24, head: 1280, activation: op.SiLU, squeeze: efficientSqueeze, tensorflow: tensorflow,
		stages: [][]mobileRow{
			{{convBlock, 2, 3, 1, 1, 24, rowOptions{skip: true}}},
			{{edge, 4, 3, 2, 4, 48, plain}},
			{{edge, 4, 3, 2, 4, 64, plain}},
			{{inverted, 6, 3, 2, 4, 128, squeeze}},
			{{inverted, 9, 3, 1, 6, 160, squeeze}},
			{{inverted, 15, 3, 2, 6, 256, squeeze}},
		},
	}
}

func efficientNetV2RWS() mobileNet {
	m := efficientNetV2STimm(false)
	m.head = 1792
	m.stages[0] = []mobileRow{{edge, 2, 3, 1, 1, 24, plain}}
	m.stages[5] = []mobileRow{{inverted, 15, 3, 2, 6, 272, squeeze}}
	return m
}
