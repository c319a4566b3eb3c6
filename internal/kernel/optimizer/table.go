package optimizer

import (
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// rowArgs is the argument of all kernels.
type rowArgs = rowwise.Args

// kernels are the kernels for one instruction set; adam, scaleAdd and
// lerp say what the pointers are.
type kernels struct{ Adam, ScaleAdd, Lerp func(a *rowArgs) }

var table isa.Table[kernels]

// The portable kernels are the Go twins, behind the arguments of the assembly.
func init() {
	table.Add(isa.Generic, kernels{
		Adam: func(a *rowArgs) {
			k := a.K
			adamGo(a.All(0), a.All(1), a.All(2), a.All(3), &adamConstants{k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7]})
		},
		ScaleAdd: func(a *rowArgs) { scaleAddGo(a.K[0], a.All(0), a.K[1], a.All(1)) },
		Lerp:     func(a *rowArgs) { lerpGo(a.All(0), a.All(1), a.K[0]) },
	})
}
