// Package archive extracts tar (plain, gzip, bzip2, zstd) and zip files that
// strangers made: into one folder and nowhere else, within bounds on size and
// number, and nothing but files, folders and links that stay inside.
package archive

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Limits bound what an archive may become. The zero value of a field is its
// default.
type Limits struct {
	MaxBytes     int64 // all files together, unpacked; 64 GiB
	MaxFileBytes int64 // one file, unpacked; 8 GiB
	MaxFiles     int   // files, folders and links; 2 million
	// MaxRatio bounds unpacked bytes by the archive's: ratio times its size, and
	// 64 MiB more for small ones; 200. Pictures hardly compress at all, and
	// deflate reaches 1032 with zeros alone.
	MaxRatio int64
}

// What zero fields of Limits mean.
const (
	DefaultMaxBytes     = 64 << 30
	DefaultMaxFileBytes = 8 << 30
	DefaultMaxFiles     = 2_000_000
	DefaultMaxRatio     = 200
)

// Bounds that no field moves.
const (
	ratioSlack   = 64 << 20
	maxNameBytes = 4096
	maxNameDepth = 64
)

// withDefaults puts the defaults in place of fields that are not positive.
func (l Limits) withDefaults() Limits {
	l.MaxBytes = cmp.Or(max(l.MaxBytes, 0), DefaultMaxBytes)
	l.MaxFileBytes = cmp.Or(max(l.MaxFileBytes, 0), DefaultMaxFileBytes)
	l.MaxFiles = cmp.Or(max(l.MaxFiles, 0), DefaultMaxFiles)
	l.MaxRatio = cmp.Or(max(l.MaxRatio, 0), DefaultMaxRatio)
	return l
}

// total is the bound on unpacked bytes for an archive of the given size.
func (l Limits) total(size int64) int64 {
	if size < (1<<62)/l.MaxRatio {
		if byRatio := size*l.MaxRatio + ratioSlack; byRatio < l.MaxBytes {
			return byRatio
		}
	}
	return l.MaxBytes
}

// localName is an entry's name as a path below the target, with slashes, or an
// error when it leads elsewhere or is one that no data set needs. "." is the
// target itself.
func localName(name string) (string, error) {
	bad := func(why string) (string, error) {
		if len(name) > 200 {
			name = name[:200] + "…"
		}
		return "", fmt.Errorf("the entry %q %s", name, why)
	}
	switch {
	case name == "":
		return bad("has no name")
	case len(name) > maxNameBytes:
		return bad("has a name that is too long")
	case strings.ContainsAny(name, "\x00\\"):
		return bad("has a zero byte or a backslash in its name")
	case path.IsAbs(name):
		return bad("has an absolute path")
	case strings.Count(name, "/") > maxNameDepth:
		return bad("lies too many folders deep")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return bad("leads out of the target folder")
		}
	}
	clean := path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(clean)) { // drive letters and device names on Windows
		return bad("is not a name that this system can hold")
	}
	return clean, nil
}
