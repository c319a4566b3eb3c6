package vision

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
	"github.com/whippet-ml/whippet/preprocess"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Pictures", "encoded size", DefaultMaxBytes)
	limits.Check(t, "Pictures", "width × height", DefaultMaxPixels)
	limits.Check(t, "Pictures", "picture after padding", DefaultMaxPixels)
	limits.Check(t, "Pictures", "sides that transforms produce", preprocess.MaxSide)
}
