package archive

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Data sets", "archive unpacked: together", DefaultMaxBytes, DefaultMaxFileBytes)
	limits.Check(t, "Data sets", "archive unpacked, compared", DefaultMaxRatio, ratioSlack)
	limits.Check(t, "Data sets", "files, folders and links", DefaultMaxFiles)
	limits.Check(t, "Data sets", "name in an archive", maxNameBytes, maxNameDepth)
}
