package tiff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaxTables: all code words are there, none begins another, and line ends are
// no code word.
func TestFaxTables(t *testing.T) {
	tables := faxTables()
	for color := range tables {
		runs, room := map[int16]bool{}, 0
		for i, c := range tables[color] {
			if c.bits > 0 {
				runs[c.run] = true
				room++
			}
			if i < 1<<(faxBits-8) && c.bits > 0 && i < 8 {
				t.Errorf("color %d: a code word begins with ten zeros", color)
			}
		}
		if len(runs) != 64+40 {
			t.Errorf("color %d: %d lengths of runs, want 104", color, len(runs))
		}
		want := 0
		for _, words := range [2][2]string{{whiteEnds, whiteMultiples}, {blackEnds, blackMultiples}}[color] {
			for _, w := range strings.Fields(words) {
				want += 1 << (faxBits - len(w))
			}
		}
		for _, w := range strings.Fields(longMultiples) {
			want += 1 << (faxBits - len(w))
		}
		if room != want {
			t.Errorf("color %d: %d of the 13-bit words begin with a code word, want %d: some overlap", color, room, want)
		}
	}
}

// TestFaxCut cuts the pixels of each kind of fax at every byte: never a panic, and
// no success before the last bytes, which hold marks of the end.
func TestFaxCut(t *testing.T) {
	for name, kind := range map[string]faxKind{"fax_huffman": faxRuns, "fax_group3_fill": faxGroup3, "fax_group3_2d": faxGroup3D, "fax_group4": faxGroup4} {
		b, err := os.ReadFile(filepath.Join("../../vision/testdata/decode", name+".tif"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := read(b)
		if err != nil {
			t.Fatal(err)
		}
		src, rows, err := p.block(0)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, rows*((p.w+7)/8))
		if err := unfax(dst, src, p.w, kind); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range len(src) - 12 {
			if err := unfax(dst, src[:n], p.w, kind); err == nil {
				t.Errorf("%s: %d of %d bytes are enough", name, n, len(src))
			}
		}
	}
}
