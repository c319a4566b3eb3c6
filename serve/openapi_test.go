package serve

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOpenAPI compares the description with the routes: each has the other's, and
// what is described is answered with a status that is described. The files of
// the web pages are not described.
func TestOpenAPI(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	_, b := get(t, h.URL+"/openapi.json")
	doc := decode[struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ Responses map[string]any }
	}](t, b)
	if !strings.HasPrefix(doc.OpenAPI, "3.") {
		t.Errorf("version %q", doc.OpenAPI)
	}
	var described, routes []string
	version := s.models[0].now.version
	for path, item := range doc.Paths {
		for method, op := range item {
			method = strings.ToUpper(method)
			described = append(described, method+" "+path)
			url := h.URL + strings.NewReplacer("{model}", "pets", "{version}", version).Replace(path)
			req, err := http.NewRequest(method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if status := res.Status[:3]; op.Responses[status] == nil || method == http.MethodGet && status != "200" {
				t.Errorf("%s %s: status %s is not described", method, path, status)
			}
		}
	}
	for _, p := range s.patterns {
		_, path, _ := strings.Cut(p, " ")
		if _, page := pageFiles[path]; !page {
			routes = append(routes, strings.TrimSuffix(p, "{$}"))
		}
	}
	slices.Sort(described)
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described are\n%s\nthe routes are\n%s", strings.Join(described, "\n"), strings.Join(routes, "\n"))
	}
}
