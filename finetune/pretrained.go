package finetune

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/fetch"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/weights"
)

// DefaultWeights returns the path of the architecture's default published
// weights, downloading them to $WHIPPET_HOME (or the user's cache folder) when
// neither Whippet's cache nor PyTorch's has them. The start of the file's
// SHA-256, which is part of its name, is checked each time.
func DefaultWeights(ctx context.Context, arch *models.Architecture) (string, error) {
	if len(arch.Weights) == 0 {
		return "", fmt.Errorf("finetune: %s: %w: give a weights file, or train from random weights", arch.Name, ErrNoWeights)
	}
	home, err := fetch.Home()
	if err != nil {
		return "", fmt.Errorf("finetune: %w", err)
	}
	dir, address := filepath.Join(home, "weights"), arch.Weights[0].URL
	if found, err := weights.Cached(ctx, address, dir, nil, weights.TorchCache()); err == nil {
		return found, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("finetune: %w", err)
	}
	name := path.Base(u.Path)
	target := filepath.Join(dir, name)
	if err := fetch.Get(ctx, fetch.Request{URL: address, Path: target, SHA256: weights.HashInName(name)}); err != nil {
		return "", fmt.Errorf("finetune: pretrained weights of %s: %w; without a network, put the file into %s, give a weights file, or train from random weights", arch.Name, err, dir)
	}
	return target, nil
}
