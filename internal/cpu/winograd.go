package cpu

import "sync/atomic"

// The three passes of a convolution, for winogradWins.
const (
	passForward = iota
	passBackwardData
	passBackwardWeights
)

// winogradOn says whether convolutions may be computed in the Winograd domain.
var winogradOn atomic.Bool

func init() { winogradOn.Store(true) }

// SetWinograd allows or forbids Winograd convolutions and returns whether they
// were allowed. They are by default.
func SetWinograd(on bool) (old bool) { return winogradOn.Swap(on) }

// winogradWins reports whether pass of c is faster in the Winograd domain.
func winogradWins(c Conv, pass int) bool { return false }

func winogradForward(c Conv, x, w, y []float32)           { directForward(c, x, w, y) }
func winogradBackwardData(c Conv, dy, w, dx []float32)    { directBackwardData(c, dy, w, dx) }
func winogradBackwardWeights(c Conv, x, dy, dw []float32) { directBackwardWeights(c, x, dy, dw) }
