package cpu

import "fmt"

// The kernels trust lengths, so every exported function checks those of its
// slices first. A wrong one is an error of the caller, and a panic that names
// the function and the slice.

// need panics unless a slice has the length that its shape asks for.
func need(op, name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("cpu.%s: len(%s) is %d, the shape needs %d", op, name, got, want))
	}
}

// needOptional is need for a slice that may be nil.
func needOptional(op, name string, s []float32, want int) {
	if s != nil {
		need(op, name, len(s), want)
	}
}

// needStrided is need for rows of c floats that lie stride apart.
func needStrided(op, name string, got, rows, c, stride int) {
	if stride < c {
		panic(fmt.Sprintf("cpu.%s: rows of %s are %d floats apart, a row has %d", op, name, stride, c))
	}
	if rows > 0 && got < (rows-1)*stride+c {
		panic(fmt.Sprintf("cpu.%s: len(%s) is %d, the shape needs at least %d", op, name, got, (rows-1)*stride+c))
	}
}

// needMask panics when there is a mask and not of the shape.
func needMask(op string, mask []uint16, rows, c int) {
	if mask != nil {
		need(op, "mask", len(mask), MaskWords(rows, c))
	}
}
