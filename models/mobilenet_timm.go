package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
)

// MobileNets as timm builds them, under its names: V2 in three widths, V3, and the
// convolutional V4 (Qin et al. 2024, https://arxiv.org/abs/2404.10518). Those with
// "tf_" have TensorFlow's padding and eps.
var (
	_ = builtin(mobileNetV2Timm("mobilenetv2_050", 0.5))
	_ = builtin(withSpelling(mobileNetV2Timm("mobilenetv2_100", 1), mobileNetV2))
	_ = builtin(mobileNetV2Timm("mobilenetv2_140", 1.4))

	_ = builtin(mobileNetV3Timm(mobileNetV3SmallStages, 1024, false).architecture("mobilenetv3_small_100", timmNames))
	_ = builtin(mobileNetV3Timm(mobileNetV3LargeStages, 1280, false).architecture("mobilenetv3_large_100", timmNames))
	_ = builtin(mobileNetV3Timm(mobileNetV3SmallStages, 1024, true).architecture("tf_mobilenetv3_small_100", timmNames))
	_ = builtin(mobileNetV3Timm(mobileNetV3LargeStages, 1280, true).architecture("tf_mobilenetv3_large_100", timmNames))

	_ = builtin(mobileNetV4(32, mobileNetV4SmallStages).architecture("mobilenetv4_conv_small", timmNames))
	_ = builtin(mobileNetV4(32, mobileNetV4MediumStages).architecture("mobilenetv4_conv_medium", timmNames))
	_ = builtin(mobileNetV4(24, mobileNetV4LargeStages).architecture("mobilenetv4_conv_large", timmNames))
)

// withSpelling is a, whose parameters have other names too.
func withSpelling(a *Architecture, other ...func() *Architecture) *Architecture {
	for _, o := range other {
		a.Spellings = append(a.Spellings, Spelling{Like: o})
	}
	return a
}

func mobileNetV2Timm(name string, width float64) *Architecture {
	return mobileNet{
		stem: divisible(32*width, 8), head: max(1280, divisible(1280*width, 8)), activation: op.ReLU6,
		stages: scaled([][]mobileRow{
			{{separable, 1, 3, 1, 1, 16, plain}},
			{{inverted, 2, 3, 2, 6, 24, plain}},
			{{inverted, 3, 3, 2, 6, 32, plain}},
			{{inverted, 4, 3, 2, 6, 64, plain}},
			{{inverted, 3, 3, 1, 6, 96, plain}},
			{{inverted, 3, 3, 2, 6, 160, plain}},
			{{inverted, 1, 3, 1, 6, 320, plain}},
		}, width, 1, false),
	}.architecture(name, timmNames)
}

// mobileNetV3Timm is MobileNetV3 with a head of that many channels.
func mobileNetV3Timm(stages [][]mobileRow, head int, tensorflow bool) mobileNet {
	return mobileNet{
		stem: 16, stages: stages, head: head, late: true, activation: op.Hardswish, tensorflow: tensorflow,
		squeeze: func(_, hidden int) *nn.SqueezeExcite {
			return nn.NewSqueezeExcite(hidden, divisible(float64(hidden)/4, 8), nn.ReLU(), nn.Hardsigmoid())
		},
	}
}

var (
	mobileNetV3SmallStages = [][]mobileRow{
		{{separable, 1, 3, 2, 1, 16, squeezeReLU}},
		{{inverted, 1, 3, 2, 4.5, 24, reluRow}, {inverted, 1, 3, 1, 3.67, 24, reluRow}},
		{{inverted, 1, 5, 2, 4, 40, squeeze}, {inverted, 2, 5, 1, 6, 40, squeeze}},
		{{inverted, 2, 5, 1, 3, 48, squeeze}},
		{{inverted, 3, 5, 2, 6, 96, squeeze}},
		{{convBlock, 1, 1, 1, 1, 576, plain}},
	}
	mobileNetV3LargeStages = [][]mobileRow{
		{{separable, 1, 3, 1, 1, 16, reluRow}},
		{{inverted, 1, 3, 2, 4, 24, reluRow}, {inverted, 1, 3, 1, 3, 24, reluRow}},
		{{inverted, 3, 5, 2, 3, 40, squeezeReLU}},
		{{inverted, 1, 3, 2, 6, 80, plain}, {inverted, 1, 3, 1, 2.5, 80, plain}, {inverted, 2, 3, 1, 2.3, 80, plain}},
		{{inverted, 2, 3, 1, 6, 112, squeeze}},
		{{inverted, 3, 5, 2, 6, 160, squeeze}},
		{{convBlock, 1, 1, 1, 1, 960, plain}},
	}
)

func mobileNetV4(stem int, stages [][]mobileRow) mobileNet {
	return mobileNet{stem: stem, stages: stages, head: 1280, late: true, lateNorm: true, activation: op.ReLU}
}

// The rows of V4 are universal blocks, which have a depthwise convolution in front
// (start), in the middle (kernel), both, or neither.
var (
	mobileNetV4SmallStages = [][]mobileRow{
		{{convBlock, 1, 3, 2, 1, 32, plain}, {convBlock, 1, 1, 1, 1, 32, plain}},
		{{convBlock, 1, 3, 2, 1, 96, plain}, {convBlock, 1, 1, 1, 1, 64, plain}},
		{{universal, 1, 5, 2, 3, 96, start5}, {universal, 4, 3, 1, 2, 96, plain}, {universal, 1, 0, 1, 4, 96, start3}},
		{
			{universal, 1, 3, 2, 6, 128, start3}, {universal, 1, 5, 1, 4, 128, start5}, {universal, 1, 5, 1, 4, 128, plain},
			{universal, 1, 5, 1, 3, 128, plain}, {universal, 2, 3, 1, 4, 128, plain},
		},
		{{convBlock, 1, 1, 1, 1, 960, plain}},
	}
	mobileNetV4MediumStages = [][]mobileRow{
		{{edge, 1, 3, 2, 4, 48, plain}},
		{{universal, 1, 5, 2, 4, 80, start3}, {universal, 1, 3, 1, 2, 80, start3}},
		{
			{universal, 1, 5, 2, 6, 160, start3}, {universal, 2, 3, 1, 4, 160, start3}, {universal, 1, 5, 1, 4, 160, start3},
			{universal, 1, 3, 1, 4, 160, start3}, {universal, 1, 0, 1, 4, 160, start3}, {universal, 1, 0, 1, 2, 160, plain},
			{universal, 1, 0, 1, 4, 160, start3},
		},
		{
			{universal, 1, 5, 2, 6, 256, start5}, {universal, 1, 5, 1, 4, 256, start5}, {universal, 2, 5, 1, 4, 256, start3},
			{universal, 1, 0, 1, 4, 256, plain}, {universal, 1, 0, 1, 4, 256, start3}, {universal, 1, 5, 1, 2, 256, start3},
			{universal, 1, 5, 1, 4, 256, start5}, {universal, 2, 0, 1, 4, 256, plain}, {universal, 1, 0, 1, 2, 256, start5},
		},
		{{convBlock, 1, 1, 1, 1, 960, plain}},
	}
	mobileNetV4LargeStages = [][]mobileRow{
		{{edge, 1, 3, 2, 4, 48, plain}},
		{{universal, 1, 5, 2, 4, 96, start3}, {universal, 1, 3, 1, 4, 96, start3}},
		{
			{universal, 1, 5, 2, 4, 192, start3}, {universal, 3, 3, 1, 4, 192, start3}, {universal, 1, 5, 1, 4, 192, start3},
			{universal, 5, 3, 1, 4, 192, start5}, {universal, 1, 0, 1, 4, 192, start3},
		},
		{
			{universal, 4, 5, 2, 4, 512, start5}, {universal, 1, 0, 1, 4, 512, start5}, {universal, 1, 3, 1, 4, 512, start5},
			{universal, 2, 0, 1, 4, 512, start5}, {universal, 1, 3, 1, 4, 512, start5}, {universal, 1, 5, 1, 4, 512, start5},
			{universal, 3, 0, 1, 4, 512, start5},
		},
		{{convBlock, 1, 1, 1, 1, 960, plain}},
	}
)
