package pretrained

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/whippet-ml/whippet/internal/fetch"
	"github.com/whippet-ml/whippet/internal/hub"
	"github.com/whippet-ml/whippet/weights"
)

func (o Options) client() (hub.Client, error) {
	c, err := hub.FromEnvironment()
	c.Progress = o.Progress
	return c, err
}

// fromHub returns the path of the weights in a repository.
func (o Options) fromHub(ctx context.Context, r hub.Repo) (string, error) {
	c, err := o.client()
	if err != nil {
		return "", err
	}
	for _, file := range weightFiles {
		p, _, err := c.File(ctx, r, file)
		if !errors.Is(err, hub.ErrNoFile) {
			return p, err
		}
	}
	return "", fmt.Errorf("the repository has neither of %s: its weights are in another form, or in several files", strings.Join(weightFiles, ", "))
}

// download returns the path of torchvision's file at address, from Whippet's or
// PyTorch's cache, or downloaded. The start of the file's SHA-256, which is part of
// its name, is checked each time.
func (o Options) download(ctx context.Context, address string) (string, error) {
	home, err := fetch.Home()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(home, "weights")
	if found, err := weights.Cached(ctx, address, dir, nil, weights.TorchCache()); err == nil {
		return found, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	name := path.Base(u.Path)
	target := filepath.Join(dir, name)
	request := fetch.Request{URL: address, Path: target, SHA256: weights.HashInName(name)}
	if o.Progress != nil {
		request.Progress = func(done, total int64) { o.Progress(name, done, total) }
	}
	if err := fetch.Get(ctx, request); err != nil {
		return "", fmt.Errorf("%w; without a network, put the file into %s, give a weights file, or train from random weights", err, dir)
	}
	return target, nil
}
