package serve

import (
	"embed"
	"net/http"
)

//go:embed web
var web embed.FS

// pagePolicy lets the page load its own files and show pictures, and nothing
// else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageFiles are the files of the web pages, by their routes.
var pageFiles = map[string]struct{ name, kind string }{
	"/{$}":      {"web/index.html", "text/html; charset=utf-8"},
	"/page.js":  {"web/page.js", "text/javascript; charset=utf-8"},
	"/page.css": {"web/page.css", "text/css; charset=utf-8"},
	"/api":      {"web/api.html", "text/html; charset=utf-8"},
	"/api.js":   {"web/api.js", "text/javascript; charset=utf-8"},
	"/api.css":  {"web/api.css", "text/css; charset=utf-8"},
	"/icon.svg": {"web/icon.svg", "image/svg+xml"},
}

// pageRoutes adds the web pages.
func (s *Server) pageRoutes(get func(path string, h handler)) {
	for path, f := range pageFiles {
		get(path, func(w http.ResponseWriter, _ *http.Request) error {
			b, err := web.ReadFile(f.name)
			if err != nil {
				return err
			}
			h := w.Header()
			h.Set("Content-Type", f.kind)
			h.Set("Content-Security-Policy", pagePolicy)
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-cache")
			_, _ = w.Write(b)
			return nil
		})
	}
}
