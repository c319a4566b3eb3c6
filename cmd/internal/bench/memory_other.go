//go:build !linux

package bench

// PeakRSS returns 0: the peak is not known on this system.
func PeakRSS() int64 { return 0 }
