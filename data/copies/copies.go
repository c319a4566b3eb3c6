// Package copies finds pictures that were made from the same original: scaled, squeezed,
// recompressed, made darker or lighter, mirrored, turned by quarter turns, cropped to
// no less than three quarters of each side, or several of these.
//
// Two are compared by 64-bit difference hashes of the whole picture and of 18 windows in all
// eight positions; where they are near, the pictures are laid over each other and their
// edges compared. docs/clean.md has how many copies it finds.
package copies

import (
	"math/bits"

	"github.com/whippet-ml/whippet/data"
)

// Signature is what copies of a picture are found by: some 2 KB.
type Signature struct {
	Fingerprint
	thumb thumb
	// hashes are those of the whole picture and then of each of the windows,
	// for every turn; of a picture that is not turned only those of the first.
	hashes [][1 + len(windows)]uint64
}

// SignatureOf computes what a picture is found by. Of two pictures that are compared one
// is taken as it lies, the other in all turns: turned says that this one may be the other.
func SignatureOf(m *data.Image, turned bool) *Signature {
	s := &Signature{Fingerprint: FingerprintOf(m), thumb: thumbOf(m)}
	n := 1
	if turned {
		n = turns
	}
	s.hashes = make([][1 + len(windows)]uint64, n)
	for turn := range s.hashes {
		laid := s.thumb.turned(turn)
		table := laid.sums()
		s.hashes[turn][0] = table.hash(whole)
		for i, w := range windows {
			s.hashes[turn][1+i] = table.hash(w)
		}
	}
	return s
}

// How much two hashes may differ for a closer look, how alike the edges must be
// at first, and at last. Measured on photographs: see docs/clean.md.
const (
	nearBits   = 12
	firstAlike = 0.3
	copyAlike  = 0.9
)

// Copy says how one picture of a pair was made from the other.
type Copy struct {
	// Turn says how the second picture lies on the first: 0 as it
	// is, 1 to 3 rotated by so many quarter turns, 4 to 7 mirrored besides.
	Turn    int     `json:"turn"`
	Cropped bool    `json:"cropped"` // one of them shows a part of the other
	Alike   float64 `json:"alike"`   // correlation of their edges, up to 1
}

// String says it for people: "mirrored, cropped"; "" for a picture that lies as
// the other does.
func (c Copy) String() string {
	s := [turns]string{"", "turned by 90°", "upside down", "turned by 90°", "mirrored", "mirrored and turned by 90°", "mirrored top to bottom", "mirrored and turned by 90°"}[c.Turn]
	switch {
	case !c.Cropped:
		return s
	case s == "":
		return "cropped"
	}
	return s + ", cropped"
}

// copyOf looks for a way in which one picture is the other turned, mirrored,
// cropped, or darker or lighter. It returns how many bits of the hashes differ
// that way, and whether there is one. turned has all turns.
func copyOf(a, turned *Signature) (c Copy, differ int, ok bool) {
	for turn := range turns {
		// The best part of one to lie on the whole of the other; 0 is the whole.
		inTurned, inA := 0, 0
		near := bits.OnesCount64(a.hashes[0][0] ^ turned.hashes[turn][0])
		nearTurned, nearA := near, near
		for i, h := range turned.hashes[turn] {
			if n := bits.OnesCount64(a.hashes[0][0] ^ h); n < nearTurned {
				nearTurned, inTurned = n, i
			}
			if n := bits.OnesCount64(a.hashes[0][i] ^ turned.hashes[turn][0]); n < nearA {
				nearA, inA = n, i
			}
		}
		if min(nearTurned, nearA) > nearBits {
			continue
		}
		laid := turned.thumb.turned(turn)
		v, t := laid.sums(), a.thumb.sums()
		for _, try := range [2]struct {
			of, in *sums
			part   int
			near   int
		}{{t, v, inTurned, nearTurned}, {v, t, inA, nearA}} {
			if try.near > nearBits {
				continue
			}
			w := whole
			if try.part > 0 {
				w = windows[try.part-1]
			}
			edges := try.of.slopes(whole)
			if w, alike := align(try.in, w, &edges); alike > c.Alike {
				c, differ = Copy{Turn: turn, Cropped: w.cropped(), Alike: alike}, try.near
			}
		}
	}
	return c, differ, c.Alike >= copyAlike
}
