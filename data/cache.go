package data

import "sync"

// imageCache keeps one loader's decoded pictures, by index, up to a number of
// bytes. What is in stays:
// an epoch visits every item once, so evicting the oldest would throw out
// exactly what comes next.
type imageCache struct {
	mu    sync.RWMutex
	left  int64
	limit int64
	m     map[int]*Image
}

func newImageCache(limit int64) *imageCache {
	if limit <= 0 {
		return nil
	}
	return &imageCache{left: limit, limit: limit, m: map[int]*Image{}}
}

func (c *imageCache) get(item int) *Image {
	if c == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m[item]
}

// put takes img in if there is room. From then on it is shared, so Free must
// not give its pixels away.
func (c *imageCache) put(item int, img *Image) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	size := int64(cap(img.Pix))
	if size > c.left || c.m[item] != nil {
		return
	}
	img.pooled = false
	c.m[item] = img
	c.left -= size
}

func (c *imageCache) clear() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.m)
	c.left = c.limit
}
