package ground

import "unsafe"

// CeilDiv returns a/b rounded up, for a >= 0.
func CeilDiv(a, b int) int { return (a + b - 1) / b }

// RoundUp returns n rounded up to a multiple of m.
func RoundUp(n, m int) int { return (n + m - 1) / m * m }

// Ptr returns the address of s's first element, or of where it would be.
func Ptr(s []float32) *float32 { return unsafe.SliceData(s) }
