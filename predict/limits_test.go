package predict

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Models and weights", "network input", maxSide)
	limits.Check(t, "The service", "batches computed at the same time", DefaultRuns)
}
