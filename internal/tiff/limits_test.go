package tiff

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Pictures", "window of a Zstandard", maxWindow)
	limits.Check(t, "Pictures", "tiles or strips", maxBlocks, maxExcess)
}
