package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// saveModel writes a model with random weights drawn from seed.
func saveModel(t testing.TB, path string, seed uint64, vocab ...string) {
	t.Helper()
	c := models.NewClassifier(models.SqueezeNet1_1, len(vocab), rng.New(seed))
	info := models.Info{Vocab: vocab, Preprocess: preprocess.Config{Presize: 64, Method: preprocess.Crop, Size: 48, Stats: preprocess.ImageNetStats}}
	if err := models.Save(path, c, info); err != nil {
		t.Fatal(err)
	}
}

// newServer serves one small model, "pets", with three classes. It returns the
// model's path too.
func newServer(t testing.TB, o Options) (*Server, *httptest.Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saveModel(t, path, 5, "cat", "dog", "été")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := New(o, ModelFile{Name: "pets", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() { h.Close(); s.Close() })
	return s, h, path
}

// usual are the outputs of a model of classes.
var usual = []string{outputProbs, outputLabel, outputClasses}

// newAccount is a body's account with room for all that tests send.
func newAccount() *account {
	return &account{total: new(atomic.Int64), limit: 1 << 40, most: 1 << 30}
}

// pngPicture is a picture that differs with k.
func pngPicture(t testing.TB, w, h, k int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*(k+1) + i/97)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// slowly are the options with which a body that began (slowBody) may go on for
// an hour, so that it is there for as long as a test needs it.
func slowly(o Options) Options {
	o.Timeout, o.BodyRate = time.Hour, 1
	return o
}

// slowBody sends the beginning of a body to address, and no more.
func slowBody(t testing.TB, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := fmt.Fprintf(c, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n%03600d", 0); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that happens beside the test; when it never does,
// go test's own limit ends the test.
func until(happened func() bool) {
	for !happened() {
		time.Sleep(time.Millisecond)
	}
}

// form is a multipart body with files p0, p1, … and its content type.
func form(t testing.TB, files ...[]byte) (string, []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("note", "passed over"); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		p, err := w.CreateFormFile("file", string(rune('a'+i))+".png")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// post sends a body and returns status, header and answer.
func post(t testing.TB, url, contentType string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	res, err := http.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

func get(t testing.TB, url string) (int, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

// want is what the model itself says about a picture.
func want(t testing.TB, s *Server, picture []byte) predict.Prediction {
	t.Helper()
	a, err := s.models[0].now.p.Bytes(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func decode[T any](t testing.TB, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// near reports whether two lists of scores agree in labels and to 1e-5.
func near(a, b []predict.Score) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if d := a[i].Score - b[i].Score; a[i].Label != b[i].Label || d > 1e-5 || d < -1e-5 {
			return false
		}
	}
	return true
}
