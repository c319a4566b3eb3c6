//go:build avif

package main

import _ "github.com/whippet-ml/whippet/vision/avif" // reads AVIF, and makes the program larger
