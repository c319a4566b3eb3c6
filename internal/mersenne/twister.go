// Package mersenne has the Mersenne Twister as PyTorch uses it, for
// splits that equal fastai's. Everything else random comes from package rng.
package mersenne

// Twister is the 32-bit Mersenne Twister (Matsumoto and Nishimura, "Mersenne
// Twister: a 623-dimensionally equidistributed uniform pseudo-random number
// generator", 1998). PyTorch's CPU generator is this generator; Whippet uses it
// only where the numbers must equal PyTorch's, as in the split of RandomSplit. A
// Twister is not safe for concurrent use.
type Twister struct {
	state [mtN]uint32
	next  int // index of the next word to hand out; mtN when used up
}

const (
	mtN = 624 // words of state
	mtM = 397 // distance of the recurrence
)

// New seeds as the authors' init_genrand does, which is what
// torch.manual_seed does with the low 32 bits of its seed.
func New(seed uint32) *Twister {
	m := new(Twister)
	m.state[0] = seed
	for i := 1; i < mtN; i++ {
		prev := m.state[i-1]
		m.state[i] = 1812433253*(prev^prev>>30) + uint32(i)
	}
	m.next = mtN
	return m
}

// refill computes the next mtN words of state.
func (m *Twister) refill() {
	s := &m.state
	for i := range s {
		y := s[i]&0x80000000 | s[(i+1)%mtN]&0x7fffffff
		v := s[(i+mtM)%mtN] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		s[i] = v
	}
	m.next = 0
}

// Uint32 returns the next 32 random bits.
func (m *Twister) Uint32() uint32 {
	if m.next == mtN {
		m.refill()
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// TorchPerm returns the permutation of [0,n) that torch.randperm(n) gives on a
// CPU after torch.manual_seed(seed), from which fastai's RandomSplitter takes
// its validation items: a Fisher-Yates shuffle from the front, with the biased
// remainder of a 32-bit draw, as PyTorch's randperm_cpu does it. Only the low
// 32 bits of seed count, as in PyTorch. It returns an empty slice for n < 1.
func TorchPerm(seed uint64, n int) []int {
	p := make([]int, max(n, 0))
	for i := range p {
		p[i] = i
	}
	m := New(uint32(seed))
	for i := 0; i < n-1; i++ {
		j := i + int(uint64(m.Uint32())%uint64(n-i))
		p[i], p[j] = p[j], p[i]
	}
	return p
}
