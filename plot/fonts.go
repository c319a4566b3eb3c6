package plot

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/go-text/typesetting/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// embedded are the Go fonts (Bigelow & Holmes), regular and bold: Latin, Greek
// and Cyrillic.
var embedded = sync.OnceValue(func() [2]*font.Face {
	var out [2]*font.Face
	for i, raw := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := font.ParseTTF(bytes.NewReader(raw))
		if err != nil {
			panic("plot: the embedded Go font does not parse: " + err.Error()) // a broken build, not a broken input
		}
		out[i] = f
	}
	return out
})

// fallback knows which of the system's fonts has a character. It is used under
// the lock of text, as faces are not safe for concurrent use.
type fallback struct {
	known  map[rune]*font.Face
	opened map[string]*font.Face // nil where a file cannot be used
}

// face returns a font with the character, or nil when there is none.
func (s *fallback) face(r rune) *font.Face {
	if f, ok := s.known[r]; ok {
		return f
	}
	if s.known == nil || len(s.known) > 50_000 {
		s.known = map[rune]*font.Face{}
	}
	if s.opened == nil {
		s.opened = map[string]*font.Face{}
	}
	var found *font.Face
	for _, path := range systemFonts() {
		f, ok := s.opened[path]
		if !ok {
			f = openFont(path)
			s.opened[path] = f
		}
		if f == nil {
			continue
		}
		if _, ok := f.NominalGlyph(r); ok {
			found = f
			break
		}
	}
	s.known[r] = found
	return found
}

// maxFontFile bounds what is read of a font; CJK collections have 20 to 60 MB.
const maxFontFile = 64 << 20

// openFont reads the first font of a file. A file that is damaged, too large or
// of an unknown kind gives nil: the next one is asked.
func openFont(path string) (f *font.Face) {
	defer func() {
		if recover() != nil { // a damaged font must not end a training run
			f = nil
		}
	}()
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxFontFile {
		return nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all, err := font.ParseTTC(bytes.NewReader(raw))
	if err != nil || len(all) == 0 || all[0].Upem() == 0 {
		return nil
	}
	return all[0]
}

// systemFonts lists font files worth asking, widely used ones with many
// scripts first, in a fixed order.
var systemFonts = sync.OnceValue(func() []string {
	var out []string
	seen := map[string]bool{}
	add := func(dir string, patterns ...string) {
		for _, p := range patterns {
			found, err := filepath.Glob(filepath.Join(dir, p))
			if err != nil {
				continue
			}
			for _, f := range found {
				if !seen[f] {
					seen[f] = true
					out = append(out, f)
				}
			}
		}
	}
	switch runtime.GOOS {
	case "darwin":
		add("/System/Library/Fonts", "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "Helvetica.ttc", "*.ttc")
		add("/System/Library/Fonts/Supplemental", "Arial Unicode.ttf", "*.ttf")
		add("/Library/Fonts", "*.ttf", "*.otf", "*.ttc")
	case "windows":
		add(filepath.Join(os.Getenv("WINDIR"), "Fonts"), "segoeui.ttf", "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "Nirmala.tt?", "LeelawUI.ttf", "seguisym.ttf", "arial.ttf")
	default:
		roots := []string{"/usr/share/fonts", "/usr/local/share/fonts"}
		if home, err := os.UserHomeDir(); err == nil {
			roots = append(roots, filepath.Join(home, ".local/share/fonts"), filepath.Join(home, ".fonts"))
		}
		for _, name := range [][]string{
			{"NotoSansCJK-Regular.*", "NotoSans-Regular.*", "DejaVuSans.ttf", "wqy-*.ttc"},
			{"*-Regular.ttf", "*-Regular.otf", "*-Regular.ttc", "*.ttf", "*.ttc"},
		} {
			for _, root := range roots {
				for _, depth := range []string{"", "*", "*/*"} {
					add(filepath.Join(root, depth), name...)
				}
			}
		}
	}
	return out
})
