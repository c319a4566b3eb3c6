//go:build !unix

package files

// SizeLimit returns the size, in bytes, that files of this process may have, and
// whether there is such a limit. This system has none.
func SizeLimit() (limit int64, limited bool) { return 0, false }
