package copies

// Limits says how alike two pictures that lie alike must be to count as near-duplicates
// for their hash and color alone. Pictures with edges that match count in any case: see Copy.
type Limits struct {
	Bits  int     // differing bits at most
	Color float64 // color distance at most
}

// DefaultLimits finds copies that were scaled, recompressed or slightly
// lightened, plain ones without edges too, and few pictures that are only
// similar.
var DefaultLimits = Limits{Bits: 6, Color: 12}

// Match is how alike two pictures are.
type Match struct {
	Bits  int     // that differ between their hashes, as Copy lays them
	Color float64 // their ColorDistance, as they are
	Copy  Copy
}

// Compare reports whether two pictures are near-duplicates, and how alike they are. turned
// has the signature in all turns.
func Compare(a, turned *Signature, limits Limits) (m Match, ok bool) {
	m.Copy, m.Bits, ok = copyOf(a, turned)
	n := a.Fingerprint.Bits(turned.Fingerprint)
	if !ok && n > limits.Bits {
		return Match{}, false
	}
	m.Color = a.ColorDistance(&turned.Fingerprint)
	if !ok && m.Color <= limits.Color {
		m.Copy, m.Bits, ok = Copy{}, n, true
	}
	return m, ok
}
