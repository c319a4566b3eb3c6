// Package drawnweights carries a small network pretrained on drawn pictures of
// objects, so that the demonstration on drawn breeds shows transfer learning
// offline. See the pretrain folder for how it was made.
package drawnweights

import (
	"bytes"
	_ "embed" // for the file below
	"fmt"

	"github.com/whippet-ml/whippet/weights"
)

//go:generate go run ./pretrain

// Arch is the architecture of the embedded weights.
const Arch = "resnet10_small"

//go:embed resnet10_small-objects.safetensors
var file []byte

// Load reads the embedded weights of the body.
func Load() (*weights.File, error) {
	f, err := weights.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("embedded weights: %w", err)
	}
	return f, nil
}
