package jpeg

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Pictures", "scans of a JPEG", maxScans, maxVisits)
}
