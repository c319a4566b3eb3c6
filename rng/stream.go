// Package rng has the random numbers from which everything random in training is
// drawn: streams that are keyed by what they are for.
//
// New takes a seed, by convention a number for the purpose (the order of items,
// the augmentation of pictures, dropout, …), and the place: an epoch, an item, the
// number of a step. The same keys give the same numbers. So work may be cut among
// any number of goroutines, and a run may be continued in the middle, without a
// generator's state being handed on or stored: each item draws from a stream of
// its own.
package rng

import "math"

// Stream is a deterministic random stream (SplitMix64, Steele, Lea and Flood
// 2014). Streams with different keys are independent for practical purposes,
// so work that is cut into items gives each item its own stream: the numbers then
// do not depend on who draws first.
// A Stream is not safe for concurrent use.
type Stream struct{ state uint64 }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// New returns the stream of a seed and any number of keys, whose order matters.
// Give different purposes different first keys: two streams of the same seed and
// keys are the same numbers.
func New(seed uint64, keys ...uint64) *Stream {
	s := mix(seed + 0x9E3779B97F4A7C15)
	for _, k := range keys {
		s = mix(s + 0x9E3779B97F4A7C15 ^ mix(k+0xD1B54A32D192ED03))
	}
	return &Stream{state: s}
}

// Uint64 returns 64 uniform bits.
func (s *Stream) Uint64() uint64 {
	s.state += 0x9E3779B97F4A7C15
	return mix(s.state)
}

// Skip passes over n numbers of Uint64, as if they had been drawn, at once: so the numbers
// of one stream may be drawn by several goroutines, each from a copy that has skipped
// what the others draw. Float64, Float32, Uniform and Bool draw one each, Normal two.
func (s *Stream) Skip(n int) { s.state += uint64(n) * 0x9E3779B97F4A7C15 }

// Float64 returns a uniform number in [0,1) with 53 random bits.
func (s *Stream) Float64() float64 { return float64(float64(s.Uint64()>>11) / (1 << 53)) }

// Float32 returns a uniform number in [0,1) with 24 random bits.
func (s *Stream) Float32() float32 { return float32(float32(s.Uint64()>>40) / (1 << 24)) }

// Uniform returns a uniform number in [lo,hi).
func (s *Stream) Uniform(lo, hi float64) float64 { return lo + float64((hi-lo)*s.Float64()) }

// Bool is true with probability p.
func (s *Stream) Bool(p float64) bool { return s.Float64() < p }

// IntN returns a uniform integer in [0,n); it panics when n < 1.
func (s *Stream) IntN(n int) int {
	if n < 1 {
		panic("rng: IntN needs n >= 1")
	}
	limit := -uint64(n) % uint64(n) // 2^64 mod n: values below it would be biased
	for {
		if v := s.Uint64(); v >= limit {
			return int(v % uint64(n))
		}
	}
}

// Normal returns a standard normal number (Box and Muller 1958).
func (s *Stream) Normal() float64 {
	u := 1 - s.Float64() // in (0,1]
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*s.Float64())
}

// Perm returns a uniform permutation of [0,n) (Fisher and Yates).
func (s *Stream) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}
