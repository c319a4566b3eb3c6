package runs

import "math"

// levels of a bar in a line of text.
var levels = []rune("▁▂▃▄▅▆▇█")

// Sparks draws curves as lines of text, one each, over common axes: as many columns
// as the longest curve has epochs, or width of them, each the mean of its epochs.
// Positive values that span more than a factor of ten are drawn by their logarithm.
// An epoch without a value is a space.
func Sparks(curves [][]float64, width int) []string {
	epochs := 0
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		epochs = max(epochs, len(c))
		for _, v := range c {
			if finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	scale := func(v float64) float64 { return v }
	if lo > 0 && hi > 10*lo {
		scale = math.Log
	}
	width = min(width, epochs)
	out := make([]string, len(curves))
	for i, c := range curves {
		line := make([]rune, 0, width)
		for col := range width {
			from, to := col*epochs/width, (col+1)*epochs/width
			if from >= len(c) {
				break
			}
			line = append(line, level(mean(c[from:min(to, len(c))]), lo, hi, scale))
		}
		out[i] = string(line)
	}
	return out
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// mean is the mean of the finite values, NaN if there are none.
func mean(vs []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range vs {
		if finite(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / float64(n)
}

// level is the bar of a value between lo and hi.
func level(v, lo, hi float64, scale func(float64) float64) rune {
	if !finite(v) {
		return ' '
	}
	v, lo, hi = scale(v), scale(lo), scale(hi)
	if hi <= lo {
		return levels[len(levels)/2]
	}
	at := int((v - lo) / (hi - lo) * float64(len(levels)))
	return levels[min(max(at, 0), len(levels)-1)]
}
