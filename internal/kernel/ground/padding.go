package ground

// Padding is how many rows and columns of zeros surround the input of a
// convolution or a pool. The sides may differ, as in TensorFlow's "same" padding at
// stride 2.
type Padding struct{ Top, Bottom, Left, Right int }

// SamePadding is TensorFlow's "same" padding of maps h×w for windows kh×kw: as many
// zeros as make a result of ceil(size/stride), the odd one at the end.
func SamePadding(h, w, kh, kw, stride int) Padding {
	total := func(size, k int) int { return max(0, (CeilDiv(size, stride)-1)*stride+k-size) }
	y, x := total(h, kh), total(w, kw)
	return Padding{Top: y / 2, Bottom: y - y/2, Left: x / 2, Right: x - x/2}
}
