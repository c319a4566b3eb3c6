package bench

import "syscall"

// processorName is the name that macOS has for the chip, such as "Apple M1".
func processorName() string {
	name, err := syscall.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return name
}

func caches() []string { return nil }
