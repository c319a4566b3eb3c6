//go:build !noasm

package attention

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, rowKernels{Softmax: attentionSoftmaxAVX512, SoftmaxGrad: attentionSoftmaxGradAVX512})
}
