//go:build !noasm

package pool

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm. There are no
// non-temporal stores: the kernels named for them are the others.
func init() {
	table.Add(isa.NEON, kernels{
		Lanes:                   8,
		MaxWindow:               maxWindowNEON,
		MaxWindowArg:            maxWindowArgNEON,
		MaxWindowArgReLU:        maxWindowArgReLUNEON,
		GatherWindow:            gatherWindowNEON,
		GatherWindowNonTemporal: gatherWindowNEON,
		NormWindow:              normWindowNEON,
		NormGather:              normGatherNEON,
		NormGatherNonTemporal:   normGatherNEON,
	})
}
