package watch

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "The local pages", "live pages open", maxViewers)
	limits.Check(t, "The local pages", "points of a live curve", maxPoints, maxRows)
	limits.Check(t, "The local pages", "pictures of a batch", maxPictures, DefaultPicturesEvery)
}
