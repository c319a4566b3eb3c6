package golden

import "hash/crc32"

// Uniform returns n values in (-1, 1) from a counter and the name's CRC-32: what tests
// and the scripts that compute their reference values fill parameters and inputs with.
func Uniform(name string, n int) []float64 {
	u, at := make([]float64, n), UniformAt(name)
	for i := range u {
		u[i] = at(i)
	}
	return u
}

// UniformAt returns the function that Uniform takes its values from.
func UniformAt(name string) func(i int) float64 {
	crc := uint64(crc32.ChecksumIEEE([]byte(name)))
	return func(i int) float64 {
		x := uint32(uint64(i)*2654435761 + crc*40503 + 12345)
		x ^= x >> 16
		x *= 0x45D9F3B
		x ^= x >> 16
		x *= 0x45D9F3B
		x ^= x >> 16
		return (float64(x)+0.5)/(1<<31) - 1
	}
}
