//go:build !linux && !darwin

package bench

import "os"

// processorName is what Windows sets for every process; other systems do not
// tell.
func processorName() string { return os.Getenv("PROCESSOR_IDENTIFIER") }

func caches() []string { return nil }
