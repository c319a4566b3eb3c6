package rowwise

import "github.com/whippet-ml/whippet/internal/parallel"

// FlatChunk is how many floats one piece of flat work covers: 128 KB per
// slice, small enough that a few slices stay in a core's second-level cache.
const FlatChunk = 32 << 10

// Chunk returns how many rows of c floats one piece of work takes. It
// depends on the shape alone. A piece is at most 256 KB, so that what a first
// pass read is in the core's cache for a second one; small tensors are still
// cut into some 32 pieces; and a float32 sum never runs over more than 1024
// terms before it is merged in float64.
func Chunk(rows, c int) int {
	floats := min(max(rows*c/32, 4<<10), 64<<10)
	n := min(max(floats/c, 1), 1024)
	return (n + 3) &^ 3
}

// Pieces returns into how many pieces of size the range [0,n) is cut.
func Pieces(n, size int) int { return (n + size - 1) / size }

// For runs body over fixed pieces of the rows of [rows, c]. body captures
// nothing, as parallel.ChunksWith asks for.
func For[A any](rows, c int, args A, body func(a *A, lo, hi int)) {
	if rows <= 0 || c <= 0 {
		return
	}
	parallel.ChunksWith(rows, Chunk(rows, c), args, body)
}
