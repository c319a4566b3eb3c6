package ground

import "fmt"

// The kernels trust lengths, so every exported function checks those of its
// slices first. A wrong one is an error of the caller, and a panic that names
// the function and the slice.

// Need panics unless a slice has the length that its shape asks for.
func Need(op, name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("%s: len(%s) is %d, the shape needs %d", op, name, got, want))
	}
}

// NeedOptional is Need for a slice that may be nil.
func NeedOptional(op, name string, s []float32, want int) {
	if s != nil {
		Need(op, name, len(s), want)
	}
}

// NeedStrided is Need for rows of c floats that lie stride apart.
func NeedStrided(op, name string, got, rows, c, stride int) {
	if stride < c {
		panic(fmt.Sprintf("%s: rows of %s are %d floats apart, a row has %d", op, name, stride, c))
	}
	if rows > 0 && got < (rows-1)*stride+c {
		panic(fmt.Sprintf("%s: len(%s) is %d, the shape needs at least %d", op, name, got, (rows-1)*stride+c))
	}
}
