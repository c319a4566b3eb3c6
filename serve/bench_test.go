package serve

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/rng"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/vision"
)

// BenchmarkService sends real photographs from 64 clients in this process; for
// the rate that a service reaches, with the load from another process, see
// bench/load.
func BenchmarkService(b *testing.B) {
	b.Setenv("WHIPPET_HOME", b.TempDir())
	root, err := datasets.Untar(b.Context(), golden.Path(b, "data", "oxford-iiit-pet-3.tgz"))
	if err != nil {
		b.Fatal(err)
	}
	items, err := vision.ImageFiles.List(b.Context(), root)
	if err != nil {
		b.Fatal(err)
	}
	var pics [][]byte
	for _, it := range items[:128] {
		f, err := os.ReadFile(it.Path)
		if err != nil {
			b.Fatal(err)
		}
		pics = append(pics, f)
	}
	path := filepath.Join(b.TempDir(), "m.safetensors")
	c := models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(5))
	info := models.Info{Vocab: []string{"cat", "dog"}, Preprocess: models.Preprocess{Presize: 460, Method: "crop", Size: 224, Mean: models.ImageNetMean, Std: models.ImageNetStd}}
	if err := models.Save(path, c, info); err != nil {
		b.Fatal(err)
	}
	s, err := New(Options{Log: slog.New(slog.DiscardHandler)}, ModelFile{"pets", path})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	defer s.Close()
	defer h.Close()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if status, _, body := post(b, h.URL+"/predict", "", pics[i%len(pics)]); status != 200 {
					b.Errorf("status %d: %s", status, body)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
