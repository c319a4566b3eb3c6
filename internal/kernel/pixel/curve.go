package pixel

// ToneCurve is a function of a sample in [0,255], tabulated: within a cell it is
// Value + Slope·t for t in [0,1). The lowest and the highest Edge levels have
// FineCells cells each, because functions of interest are steep there; the
// middle has MiddleCells. The last cell is the value at 255.
type ToneCurve struct {
	Cell [2*FineCells + MiddleCells + 1]Cell
}

// Cell is one cell of a ToneCurve.
type Cell struct{ Value, Slope float32 }

// The layout of a ToneCurve. The assembly knows these numbers.
const (
	Edge        = 4.0
	FineCells   = 256
	MiddleCells = 512
)

// Start returns the sample at which cell i begins.
func (c *ToneCurve) Start(i int) float64 {
	switch {
	case i <= FineCells:
		return Edge * float64(i) / FineCells
	case i <= FineCells+MiddleCells:
		return Edge + float64((255-2*Edge)*float64(i-FineCells)/MiddleCells)
	}
	return 255 - Edge + float64(Edge*float64(i-FineCells-MiddleCells)/FineCells)
}

// Apply replaces the samples of v, [n,3], by their values under the curve,
// scaled and shifted by channel: c(v)·scale + shift. Samples are held to
// [0,255].
func (c *ToneCurve) Apply(v []float32, scale, shift [3]float32) {
	done := 0
	if kernel := table.Active().Curve; kernel != nil {
		done = len(v) / 24 * 24
		kernel(c, v[:done], scale, shift)
	}
	curveTwin(c, v[done:], scale, shift)
}

// curveTwin rounds each product, as the kernels do: arm64's compiler would fuse it
// with the sum.
func curveTwin(c *ToneCurve, v []float32, scale, shift [3]float32) {
	const (
		fine   = FineCells / Edge
		middle = MiddleCells / (255 - 2*Edge)
	)
	for ; len(v) >= 3; v = v[3:] {
		for ch := range 3 {
			x := max(0, min(v[ch], 255))
			var t float32
			switch {
			case x < Edge:
				t = x * fine
			case x <= 255-Edge:
				t = float32((x-Edge)*middle) + FineCells
			default:
				t = float32((x-(255-Edge))*fine) + (FineCells + MiddleCells)
			}
			i := int(t)
			cell := &c.Cell[i]
			v[ch] = float32((cell.Value+float32(cell.Slope*(t-float32(i))))*scale[ch]) + shift[ch]
		}
	}
}
