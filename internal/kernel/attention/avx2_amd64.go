//go:build !noasm

package attention

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, rowKernels{Softmax: attentionSoftmaxAVX2, SoftmaxGrad: attentionSoftmaxGradAVX2})
}
