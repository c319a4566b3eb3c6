package clean

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "The local pages", "body of a decision", maxBody)
	limits.Check(t, "The local pages", "side of a picture", maxSide)
}
