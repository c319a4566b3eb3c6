// Package hostile makes files that mean harm: pictures, weights and archives
// that ask for time or memory out of proportion to their size, lead out of
// their folder, or want code to be run. Only tests use it.
package hostile

// File is a file and what must become of it.
type File struct {
	Name string // with the extension that invites to open it
	Data []byte
	// Says is part of the error that it must give; empty when it may be read, as
	// long as that is cheap.
	Says string
}
