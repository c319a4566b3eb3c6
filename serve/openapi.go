package serve

import (
	"net/http"
)

// describe is GET /openapi.json: all requests in OpenAPI 3. A test compares it
// with the routes.
func (s *Server) describe(w http.ResponseWriter, _ *http.Request) error {
	b, err := web.ReadFile("web/openapi.json")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
	return nil
}
