package serve

import "net/http"

// unrouted answers what no route of mux answers, in JSON as everything else:
// 404 for a path that does not exist, 405 with Allow for another method, and 204
// with Allow for OPTIONS, of a path or of the whole service (*). GET routes answer
// HEAD too.
func (s *Server) unrouted(mux *http.ServeMux) http.Handler {
	other := s.light("other", func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodOptions && r.RequestURI == "*" {
			w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		// The mux knows which methods a path has, but only tells in an answer.
		told := refusal{header: http.Header{}}
		h, _ := mux.Handler(r)
		h.ServeHTTP(&told, r)
		if told.status != http.StatusMethodNotAllowed {
			return fail(http.StatusNotFound, "path", "there is nothing at %.200q; docs/serving.md has the list of requests", r.URL.Path)
		}
		allow := told.header.Get("Allow") + ", OPTIONS"
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return fail(http.StatusMethodNotAllowed, "method", "%.20q does not go with %s; %s do", r.Method, r.URL.Path, allow)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" || r.RequestURI == "*" {
			other.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// refusal notes the mux's own answer, of which nothing is sent.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) WriteHeader(status int)      { r.status = status }
func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }
