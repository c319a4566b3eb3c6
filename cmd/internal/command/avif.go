//go:build avif

package command

import _ "github.com/whippet-ml/whippet/vision/avif" // reads AVIF, and makes the program larger
