package weights

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Models and weights", "safetensors header", maxSafeTensorsHeader)
	limits.Check(t, "Models and weights", "pickle of a PyTorch checkpoint", maxPickleBytes, pickle.MaxOps)
	limits.Check(t, "Models and weights", "modules of a network that was saved whole", maxModuleDepth, maxModuleVisits, maxModuleName)
	limits.Check(t, "Models and weights", "dimensions of an array", maxRank)
}
