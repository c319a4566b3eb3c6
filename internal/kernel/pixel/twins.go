package pixel

// The Go twins: what the assembly does, in plain words.

func weighRows(dst, ring []float32, from, lo, size int, w []float32) {
	n := len(dst)
	for x := from; x < n; x++ {
		s := float32(0)
		for j, k := range w {
			s += k * ring[(lo+j)%size*n+x]
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

func row(dst, src []uint8, first, count []int32, k []int32, size int) {
	for i, f := range first {
		var s [3]int32
		for c := range s {
			s[c] = 1 << 21
		}
		for j := range int(count[i]) {
			w := k[i*size+j]
			p := src[3*(int(f)+j):][:3]
			s[0] += w * int32(p[0])
			s[1] += w * int32(p[1])
			s[2] += w * int32(p[2])
		}
		for c, v := range s {
			dst[3*i+c] = uint8(max(0, min(v>>22, 255)))
		}
	}
}

func pick(dst, src []float32, first, count []int32, weight []float32, size int) {
	for i, f := range first {
		n := int(count[i])
		s := src[3*f:][:3*n]
		var r, g, b float32
		for _, k := range weight[i*size:][:n] {
			r += k * s[0]
			g += k * s[1]
			b += k * s[2]
			s = s[3:]
		}
		o := dst[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = r, g, b
	}
}
