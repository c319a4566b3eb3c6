package pixel

// The Go twins: what the assembly does, in plain words.

func weighRows(dst, ring []float32, from, lo, size int, w []float32) {
	n := len(dst)
	for x := from; x < n; x++ {
		s := float32(0)
		for j, k := range w {
			s += float32(k * ring[(lo+j)%size*n+x])
		}
		dst[x] = s
	}
}

func columns(dst, ring []uint8, stride, lo, size int, k []int32) {
	for x := range dst {
		s := int32(1 << 21)
		for j, w := range k {
			s += w * int32(ring[(lo+j)%size*stride+x])
		}
		dst[x] = uint8(max(0, min(s>>22, 255)))
	}
}
