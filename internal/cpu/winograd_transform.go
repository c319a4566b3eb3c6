package cpu

// The four linear maps of Winograd's F(4x4,3x3) with the points 0, 1, -1, 2,
// -2 and infinity (Lavin and Gray 2016, "Fast Algorithms for Convolutional
// Neural Networks"). For a 6x6 tile d of the input, a 3x3 filter g and the 4x4
// tile y of the output, on one channel pair:
//
//	V = Bᵀ d B,  U = G g Gᵀ,  y = Aᵀ (U ⊙ V) A
//
//	     ⎡4  0 -5  0  1  0⎤      ⎡ 1/4   0    0 ⎤       ⎡1  1  1  1  1  0⎤
//	     ⎢0 -4 -4  1  1  0⎥      ⎢-1/6 -1/6 -1/6⎥  Aᵀ = ⎢0  1 -1  2 -2  0⎥
//	Bᵀ = ⎢0  4 -4 -1  1  0⎥  G = ⎢-1/6  1/6 -1/6⎥       ⎢0  1  1  4  4  0⎥
//	     ⎢0 -2 -1  2  1  0⎥      ⎢1/24  1/12  1/6⎥      ⎣0  1 -1  8 -8  1⎦
//	     ⎢0  2 -1 -2  1  0⎥      ⎢1/24 -1/12  1/6⎥
//	     ⎣0  4  0 -5  0  1⎦      ⎣  0    0    1 ⎦
//
// The gradient of the filter is the adjoint of the same maps:
//
//	dM = A dy Aᵀ,  dg = Gᵀ (Σ V ⊙ dM) G
//
// All kernels below work on blocks of 16 consecutive channels, the lanes of
// one AVX-512 register, and do n blocks in a row: block b reads at
// src[b*srcStep], writes at dst[b*dstStep]. In the Winograd domain, element
// (i,j) of a 6x6 tile is "xi" 6*i+j, and consecutive xi are a stride apart.

// winoLanes is the number of channels that a transform handles at once.
const winoLanes = 16

// winoPoints is the number of products per tile: 6x6.
const winoPoints = 36

// The transforms in use, chosen by useWinogradLevel.
var (
	// winoInput computes V = Bᵀ d B: d[i][j] = src[i*row + j*col], 6x6.
	winoInput = winoInputGo
	// winoGrad computes dM = A dy Aᵀ: dy[i][j] = src[i*row + j*col], 4x4.
	winoGrad = winoGradGo
	// winoFilter computes U = G g Gᵀ: g[i][j] = src[(3*i+j)*tap], 3x3.
	winoFilter = winoFilterGo
	// winoFilterGrad computes dg = Gᵀ dU G, from dU[xi] = src[xi*stride] to
	// dg[i][j] = dst[(3*i+j)*tap].
	winoFilterGrad = winoFilterGradGo
	// winoOutput computes y = Aᵀ M A and its epilogue, see winoOutputGo.
	winoOutput = winoOutputGo
)

// winoBt is Bᵀ applied to one column of six.
func winoBt(d [6]float32) [6]float32 {
	c, e := d[4]-d[2], d[3]-d[1]
	a, b := d[4]-4*d[2], d[3]-4*d[1]
	return [6]float32{
		c + 4*(d[0]-d[2]),
		a + b,
		a - b,
		c + 2*e,
		c - 2*e,
		(d[5] - d[3]) - 4*e,
	}
}

// winoAt is Aᵀ applied to one column of six.
func winoAt(m [6]float32) [4]float32 {
	s1, d1 := m[1]+m[2], m[1]-m[2]
	s2, d2 := m[3]+m[4], m[3]-m[4]
	return [4]float32{
		m[0] + s1 + s2,
		d1 + 2*d2,
		s1 + 4*s2,
		m[5] + d1 + 8*d2,
	}
}

// winoA is A applied to one column of four.
func winoA(y [4]float32) [6]float32 {
	a, b := y[0]+y[2], y[1]+y[3]
	c, e := y[0]+4*y[2], y[1]+4*y[3]
	return [6]float32{y[0], a + b, a - b, c + 2*e, c - 2*e, y[3]}
}

// winoG is G applied to one column of three.
func winoG(g [3]float32) [6]float32 {
	a, b := (g[0]+g[2])*(-1.0/6), g[1]*(1.0/6)
	c, d := g[0]*(1.0/24)+g[2]*(1.0/6), g[1]*(1.0/12)
	return [6]float32{g[0] * 0.25, a - b, a + b, c + d, c - d, g[2]}
}

// winoGt is Gᵀ applied to one column of six.
func winoGt(u [6]float32) [3]float32 {
	s1, d1 := u[1]+u[2], u[2]-u[1]
	s2, d2 := u[3]+u[4], u[3]-u[4]
	return [3]float32{
		u[0]*0.25 - s1*(1.0/6) + s2*(1.0/24),
		d1*(1.0/6) + d2*(1.0/12),
		u[5] - s1*(1.0/6) + s2*(1.0/6),
	}
}

// winoInputGo is the twin of winoInput:
// dst[b*dstStep + xi*stride + lane] = (Bᵀ d B)[xi].
func winoInputGo(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	for b := range n {
		s, o := src[b*srcStep:], dst[b*dstStep:]
		for l := range winoLanes {
			var t [6][6]float32 // t[j] is column j after the first pass
			for j := range 6 {
				var d [6]float32
				for i := range 6 {
					d[i] = s[i*row+j*col+l]
				}
				t[j] = winoBt(d)
			}
			for i := range 6 {
				v := winoBt([6]float32{t[0][i], t[1][i], t[2][i], t[3][i], t[4][i], t[5][i]})
				for j, x := range v {
					o[(6*i+j)*stride+l] = x
				}
			}
		}
	}
}

// winoGradGo is the twin of winoGrad:
// dst[b*dstStep + xi*stride + lane] = (A dy Aᵀ)[xi].
func winoGradGo(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	for b := range n {
		s, o := src[b*srcStep:], dst[b*dstStep:]
		for l := range winoLanes {
			var t [4][6]float32
			for j := range 4 {
				var y [4]float32
				for i := range 4 {
					y[i] = s[i*row+j*col+l]
				}
				t[j] = winoA(y)
			}
			for i := range 6 {
				m := winoA([4]float32{t[0][i], t[1][i], t[2][i], t[3][i]})
				for j, x := range m {
					o[(6*i+j)*stride+l] = x
				}
			}
		}
	}
}

// winoFilterGo is the twin of winoFilter:
// dst[b*dstStep + xi*stride + lane] = (G g Gᵀ)[xi].
func winoFilterGo(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int) {
	for b := range n {
		s, o := src[b*srcStep:], dst[b*dstStep:]
		for l := range winoLanes {
			var t [3][6]float32
			for j := range 3 {
				t[j] = winoG([3]float32{s[j*tap+l], s[(3+j)*tap+l], s[(6+j)*tap+l]})
			}
			for i := range 6 {
				u := winoG([3]float32{t[0][i], t[1][i], t[2][i]})
				for j, x := range u {
					o[(6*i+j)*stride+l] = x
				}
			}
		}
	}
}

// winoFilterGradGo is the twin of winoFilterGrad:
// dst[b*dstStep + (3*i+j)*tap + lane] = (Gᵀ dU G)[i][j].
func winoFilterGradGo(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int) {
	for b := range n {
		s, o := src[b*srcStep:], dst[b*dstStep:]
		for l := range winoLanes {
			var t [6][3]float32
			for j := range 6 {
				var u [6]float32
				for i := range 6 {
					u[i] = s[(6*i+j)*stride+l]
				}
				t[j] = winoGt(u)
			}
			for i := range 3 {
				g := winoGt([6]float32{t[0][i], t[1][i], t[2][i], t[3][i], t[4][i], t[5][i]})
				for j, x := range g {
					o[(3*i+j)*tap+l] = x
				}
			}
		}
	}
}

// winoOutputGo is the twin of winoOutput. For block b, with M[xi] at
// src[b*srcStep + xi*stride]:
//
//	y[b*16 + i*row + j*col + lane] = relu?( (Aᵀ M A)[i][j] + bias[b*16+lane] + res[b*16 + i*resRow + j*resCol + lane] )
//
// bias and res may be nil.
func winoOutputGo(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	for b := range n {
		s := src[b*srcStep:]
		for l := range winoLanes {
			var t [6][4]float32
			for j := range 6 {
				var m [6]float32
				for i := range 6 {
					m[i] = s[(6*i+j)*stride+l]
				}
				t[j] = winoAt(m)
			}
			at := b*winoLanes + l
			for i := range 4 {
				v := winoAt([6]float32{t[0][i], t[1][i], t[2][i], t[3][i], t[4][i], t[5][i]})
				for j, x := range v {
					if bias != nil {
						x += bias[at]
					}
					if res != nil {
						x += res[at+i*resRow+j*resCol]
					}
					if relu && x < 0 {
						x = 0
					}
					y[at+i*row+j*col] = x
				}
			}
		}
	}
}
