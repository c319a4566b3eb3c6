package data

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits of this package with the document's.
func TestLimitsDocument(t *testing.T) {
	limits.Check(t, "Data sets", "folders within folders", maxDepth)
	limits.Check(t, "Data sets", "CSV file", maxCSV, maxCSVRows, maxCSVCells)
}
