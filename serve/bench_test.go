package serve

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
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
	info := models.Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Presize: 460, Method: preprocess.Crop, Size: 224, Stats: preprocess.ImageNetStats}}
	if err := models.Save(path, c, info); err != nil {
		b.Fatal(err)
	}
	s, err := New(Options{Log: slog.New(slog.DiscardHandler)}, ModelFile{Name: "pets", Path: path})
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

// BenchmarkOverload compares the rate of useful answers to 600 clients that try
// again without a pause with the rate to 32. Overload must cost little: the
// ratio should stay above 0.8. What decides it is checked without a clock: that a
// request waits for its turn before it is refused (TestGateGivesUp), and that no
// more are let in than can be answered in time (TestOverloadOfASlowModel).
func BenchmarkOverload(b *testing.B) {
	s, h, _ := newServer(b, Options{})
	if err := s.Reload(); err != nil { // as in use: the buffers are there
		b.Fatal(err)
	}
	pic := pngPicture(b, 500, 375, 1)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 600}}
	rate := func(clients int) float64 {
		var useful, refused atomic.Int64
		var stop atomic.Bool
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for !stop.Load() {
					res, err := client.Post(h.URL+"/predict", "", bytes.NewReader(pic))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if res.StatusCode == 200 {
						useful.Add(1)
					} else {
						refused.Add(1)
					}
				}
			})
		}
		time.Sleep(3 * time.Second) // until all clients are there
		useful.Store(0)
		const seconds = 4
		time.Sleep(seconds * time.Second)
		n := useful.Load()
		stop.Store(true)
		wg.Wait()
		b.Logf("%d clients: %.1f useful answers a second, %d refusals", clients, float64(n)/seconds, refused.Load())
		return float64(n) / seconds
	}
	for b.Loop() {
		var few, many float64
		for range 3 { // in turns, as other programs take processors too
			few += rate(32) / 3
			many += rate(600) / 3
		}
		b.ReportMetric(few, "answers/s-at-32")
		b.ReportMetric(many, "answers/s-at-600")
		b.ReportMetric(many/few, "ratio")
	}
}
