package bench

import (
	"os"
	"path/filepath"
	"strings"
)

// processorName is what /proc/cpuinfo calls the first processor. arm64's kernel
// tells numbers only, which armName reads.
func processorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return nameIn(string(text))
}

// nameIn is the processor's name in the text of /proc/cpuinfo.
func nameIn(text string) string {
	field := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if _, known := field[strings.TrimSpace(name)]; ok && !known {
			field[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if name := field["model name"]; name != "" {
		return name
	}
	return armName(field["CPU implementer"], field["CPU part"])
}

// caches are the sizes of the first processor's caches of data, from the
// nearest on, as the kernel writes them.
func caches() []string {
	folders, _ := filepath.Glob("/sys/devices/system/cpu/cpu0/cache/index*")
	var sizes []string
	for _, f := range folders {
		kind, err := os.ReadFile(filepath.Join(f, "type"))
		if err != nil || strings.TrimSpace(string(kind)) == "Instruction" {
			continue
		}
		if size, err := os.ReadFile(filepath.Join(f, "size")); err == nil {
			sizes = append(sizes, strings.TrimSpace(string(size)))
		}
	}
	return sizes
}
