package serve

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestContentEncoding sends compressed bodies: good, damaged, too long when they
// are unpacked, and in a form that is not supported.
func TestContentEncoding(t *testing.T) {
	s, h, _ := newServer(t, Options{MaxBody: 1 << 20})
	pic := pngPicture(t, 60, 60, 1)
	kind, body := form(t, pic, pic)
	packed := gzipped(t, pic)
	wrong := bytes.Clone(packed)
	wrong[len(wrong)-6] ^= 1 // of the checksum
	for name, c := range map[string]struct {
		encoding, kind string
		body           []byte
		status         int
		says           string
	}{
		"picture":      {"gzip", "", packed, 200, `"label"`},
		"old name":     {"X-GZIP", "", packed, 200, `"label"`},
		"identity":     {"identity", "", pic, 200, `"label"`},
		"form":         {"gzip", kind, gzipped(t, body), 200, `"file":"b.png"`},
		"bomb":         {"gzip", "", gzipped(t, make([]byte, 2<<20)), 413, "more than 1048576 bytes"},
		"not gzip":     {"gzip", "", pic, 400, "not what its Content-Encoding says"},
		"checksum":     {"gzip", "", wrong, 400, "not what its Content-Encoding says"},
		"cut short":    {"gzip", "", packed[:len(packed)/2], 400, "cut short"},
		"nothing":      {"gzip", "", nil, 400, "cut short"},
		"damaged form": {"gzip", kind, gzipped(t, body)[:200], 400, ""},
		"brotli":       {"br", "", pic, 415, `\"br\" is not supported`},
		"two":          {"gzip, gzip", "", packed, 415, "not supported"},
		"two headers":  {"gzip; gzip", "", packed, 415, "not supported"},
	} {
		req, err := http.NewRequest(http.MethodPost, h.URL+"/predict", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Content-Encoding"] = strings.Split(c.encoding, "; ")
		req.Header.Set("Content-Type", c.kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || !strings.Contains(string(b), c.says) {
			t.Errorf("%s: %d %s; want %d and %q", name, res.StatusCode, b, c.status, c.says)
		}
		if (c.status == 415) != (res.Header.Get("Accept-Encoding") != "") {
			t.Errorf("%s: Accept-Encoding %q", name, res.Header.Get("Accept-Encoding"))
		}
	}
	if held := s.bodies.Load(); held != 0 {
		t.Errorf("%d bytes of bodies are still counted", held)
	}
}
