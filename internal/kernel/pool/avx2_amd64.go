//go:build !noasm

package pool

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX2, kernels{
		Lanes:                   8,
		MaxWindow:               maxWindowAVX2,
		MaxWindowArg:            maxWindowArgAVX2,
		MaxWindowArgReLU:        maxWindowArgReLUAVX2,
		GatherWindow:            gatherWindowAVX2,
		GatherWindowNonTemporal: gatherWindowNonTemporalAVX2,
		NormWindow:              normWindowAVX2,
		NormGather:              normGatherAVX2,
		NormGatherNonTemporal:   normGatherNonTemporalAVX2,
		NonTemporalFloats:       4 << 20,
	})
}
