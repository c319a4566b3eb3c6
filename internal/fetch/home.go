package fetch

import (
	"fmt"
	"os"
	"path/filepath"
)

// Home is the folder in which Whippet keeps what it downloads: $WHIPPET_HOME,
// or whippet in the user's cache folder (~/.cache on Linux,
// ~/Library/Caches on macOS, %LocalAppData% on Windows). It may not exist yet.
func Home() (string, error) {
	if h := os.Getenv("WHIPPET_HOME"); h != "" {
		abs, err := filepath.Abs(h)
		if err != nil {
			return "", fmt.Errorf("cannot use WHIPPET_HOME=%s: %w", h, err)
		}
		return abs, nil
	}
	c, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache folder (%w); set WHIPPET_HOME to a folder for downloads", err)
	}
	return filepath.Join(c, "whippet"), nil
}
