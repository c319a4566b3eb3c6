package serve

import "net/http"

// live is GET /healthz: the process answers.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// ready is GET /readyz: models are loaded and no shutdown has begun.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	if s.drains.Load() {
		return fail(http.StatusServiceUnavailable, "shutdown", "shutting down")
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}

// modelSummary describes a model in GET /models.
type modelSummary struct {
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Architecture string   `json:"architecture"`
	InputSize    int      `json:"input_size"`
	Labels       []string `json:"labels"`
}

// listModels is GET /models. The first is the one that requests get when they
// name none.
func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	out := make([]modelSummary, len(s.models))
	for i, m := range s.models {
		in := m.acquire()
		out[i] = modelSummary{m.file.Name, in.version, in.p.Info().Arch, in.p.InputSize(), in.labels}
		m.release(in)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
