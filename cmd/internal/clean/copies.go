package clean

import (
	"math/bits"

	"github.com/whippet-ml/whippet/data"
)

// signature is what copies of a picture are found by.
type signature struct {
	Fingerprint
	thumb thumb
	// hashes are those of the whole picture and then of each of the windows,
	// for every turn; of a training picture only those of the first.
	hashes [][1 + len(windows)]uint64
}

// signatureOf computes what a picture is found by. A training picture is compared
// as it lies, a validation picture in all turns.
func signatureOf(m *data.Image, turned bool) *signature {
	s := &signature{Fingerprint: FingerprintOf(m), thumb: thumbOf(m)}
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
	// Turn says how the validation picture lies on the training picture: 0 as it
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
// that way, and whether there is one. valid has all turns.
func copyOf(train, valid *signature) (c Copy, differ int, ok bool) {
	for turn := range turns {
		// The best part of one to lie on the whole of the other; 0 is the whole.
		inValid, inTrain := 0, 0
		near := bits.OnesCount64(train.hashes[0][0] ^ valid.hashes[turn][0])
		nearValid, nearTrain := near, near
		for i, h := range valid.hashes[turn] {
			if n := bits.OnesCount64(train.hashes[0][0] ^ h); n < nearValid {
				nearValid, inValid = n, i
			}
			if n := bits.OnesCount64(train.hashes[0][i] ^ valid.hashes[turn][0]); n < nearTrain {
				nearTrain, inTrain = n, i
			}
		}
		if min(nearValid, nearTrain) > nearBits {
			continue
		}
		laid := valid.thumb.turned(turn)
		v, t := laid.sums(), train.thumb.sums()
		for _, try := range [2]struct {
			of, in *sums
			part   int
			near   int
		}{{t, v, inValid, nearValid}, {v, t, inTrain, nearTrain}} {
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
