// Package files reads and writes files with care: a new content is seen whole
// or not at all, by other programs and by this one after a crash (WriteFile); what
// strangers may have put there is looked at before it is opened (Open); and a
// full disk, which a user can mend, is told from other failures (DiskFull).
//
// WriteFile's content goes to a temporary file in the same directory, is synced
// to the disk, and is then renamed over the target. A rename within a directory
// is atomic on POSIX file systems; on Windows os.Rename replaces the target in
// one call, and is retried for a moment, because virus scanners and indexers
// hold new files open.
package files
