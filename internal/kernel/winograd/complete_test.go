package winograd

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestEverySetIsComplete(t *testing.T) { kerneltest.Complete(t, &Table) }
