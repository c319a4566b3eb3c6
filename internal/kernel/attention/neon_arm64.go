//go:build !noasm

package attention

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.NEON, rowKernels{Softmax: attentionSoftmaxNEON, SoftmaxGrad: attentionSoftmaxGradNEON})
}
