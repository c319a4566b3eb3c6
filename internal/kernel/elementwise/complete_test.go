package elementwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// The identity is nowhere computed.
func TestEverySetIsComplete(t *testing.T) {
	kerneltest.Complete(t, &Table, ".Activate[0]", ".ActivateGrad[0]")
}
