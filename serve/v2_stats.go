package serve

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// statistics count what a model's current version did, as the statistics
// extension of the Open Inference Protocol has it. Times of different requests
// add up, also when they ran at the same time.
type statistics struct {
	mu         sync.Mutex
	last       time.Time // of the last inference
	success    duration
	fail       duration
	inferences int              // pictures
	batches    map[int]duration // by size
}

// duration is a number of events and the time they took together.
type duration struct {
	Count int   `json:"count"`
	NS    int64 `json:"ns"`
}

func (d *duration) add(took time.Duration) {
	d.Count++
	d.NS += took.Nanoseconds()
}

// request counts a request of n pictures.
func (s *statistics) request(n int, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.fail.add(took)
		return
	}
	s.success.add(took)
	s.inferences += n
	s.last = time.Now()
}

// batch counts a run of the network.
func (s *statistics) batch(n int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batches == nil {
		s.batches = map[int]duration{}
	}
	d := s.batches[n]
	d.add(took)
	s.batches[n] = d
}

// v2Batch are the statistics of batches of one size.
type v2Batch struct {
	Size    int      `json:"batch_size"`
	Compute duration `json:"compute_infer"`
}

// v2Statistics are those of a model.
type v2Statistics struct {
	Name       string              `json:"name"`
	Version    string              `json:"version"`
	Last       int64               `json:"last_inference"` // milliseconds since 1970, 0 for none
	Inferences int                 `json:"inference_count"`
	Executions int                 `json:"execution_count"`
	Requests   map[string]duration `json:"inference_stats"`
	Batches    []v2Batch           `json:"batch_stats"`
}

func (s *statistics) report(name, version string) v2Statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := v2Statistics{Name: name, Version: version, Inferences: s.inferences, Batches: []v2Batch{}}
	if !s.last.IsZero() {
		out.Last = s.last.UnixMilli()
	}
	var compute duration
	for _, n := range slices.Sorted(maps.Keys(s.batches)) {
		d := s.batches[n]
		compute.Count += d.Count
		compute.NS += d.NS
		out.Batches = append(out.Batches, v2Batch{n, d})
	}
	out.Executions = compute.Count
	out.Requests = map[string]duration{"success": s.success, "fail": s.fail, "compute_infer": compute}
	return out
}

// v2Stats is GET /v2/models/NAME/stats, and of all models GET /v2/models/stats.
func (s *Server) v2Stats(w http.ResponseWriter, r *http.Request) error {
	out := []v2Statistics{}
	if r.PathValue("model") == "" {
		for _, m := range s.models {
			in := m.acquire()
			out = append(out, in.stats.report(m.file.Name, in.version))
			m.release(in)
		}
	} else {
		m, in, err := s.v2Find(r)
		if err != nil {
			return err
		}
		defer m.release(in)
		out = append(out, in.stats.report(m.file.Name, in.version))
	}
	writeJSON(w, http.StatusOK, map[string]any{"model_stats": out})
	return nil
}
