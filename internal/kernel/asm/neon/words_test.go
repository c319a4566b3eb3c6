package neon

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

// TestWordsAreWhatTheySay disassembles every word of the generated files and
// compares it with the instruction beside it.
func TestWordsAreWhatTheySay(t *testing.T) {
	files, err := filepath.Glob("../../*/*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly for arm64: %v", err)
	}
	seen := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`WORD \$0x([0-9a-f]{8}) // (.*)`).FindAllStringSubmatch(string(text), -1) {
			if seen[m[0]] {
				continue
			}
			seen[m[0]] = true
			bits, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			i, err := arm64asm.Decode(binary.LittleEndian.AppendUint32(nil, uint32(bits)))
			if err != nil {
				t.Errorf("%s: %s, said to be %s: %v", name, m[1], m[2], err)
				continue
			}
			if got := strings.ToLower(arm64asm.GNUSyntax(i)); got != m[2] {
				t.Errorf("%s: %s is %s, not %s", name, m[1], got, m[2])
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d words", len(seen))
	}
}
