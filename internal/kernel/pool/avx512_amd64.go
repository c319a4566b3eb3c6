//go:build !noasm

package pool

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX512, kernels{
		Lanes:                   16,
		MaxWindow:               maxWindowAVX512,
		MaxWindowArg:            maxWindowArgAVX512,
		MaxWindowArgReLU:        maxWindowArgReLUAVX512,
		GatherWindow:            gatherWindowAVX512,
		GatherWindowNonTemporal: gatherWindowNonTemporalAVX512,
		NormWindow:              normWindowAVX512,
		NormGather:              normGatherAVX512,
		NormGatherNonTemporal:   normGatherNonTemporalAVX512,
		NonTemporalFloats:       4 << 20,
	})
}
