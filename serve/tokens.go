package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/whippet-ml/whippet/internal/files"
)

// Bounds of a file of tokens.
const (
	minToken  = 16
	maxTokens = 1000
)

// tokens are the bearer tokens (RFC 6750) that open the service, from a file of
// one a line. Lines that are empty or begin with # are passed over.
type tokens struct {
	path string
	now  atomic.Pointer[[][sha256.Size]byte]
	at   stamp // of the file that was read or tried last
}

func newTokens(path string) (*tokens, error) {
	t := &tokens{path: path}
	return t, t.load()
}

// load reads the file. When it cannot be used the tokens stay as they are.
func (t *tokens) load() error {
	t.at, _ = stampOf(t.path)
	f, _, err := files.Open(t.path)
	if err != nil {
		return fmt.Errorf("serve: tokens: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return fmt.Errorf("serve: tokens: %w", err)
	}
	var sums [][sha256.Size]byte
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(line) < minToken || strings.ContainsAny(line, " \t") {
			return fmt.Errorf("serve: tokens: %s, line %d: a token has %d characters at least, without spaces; make one with: openssl rand -hex 24", t.path, n, minToken)
		}
		if len(sums) == maxTokens {
			return fmt.Errorf("serve: tokens: %s has more than %d tokens", t.path, maxTokens)
		}
		sums = append(sums, sha256.Sum256([]byte(line)))
	}
	if len(sums) == 0 {
		return fmt.Errorf("serve: tokens: %s has no token; make one with: openssl rand -hex 24", t.path)
	}
	t.now.Store(&sums)
	return nil
}

// allow reports whether a request has one of the tokens. It compares with all of
// them, and digests of one length, so that the time tells nothing.
func (t *tokens) allow(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0
	for _, s := range *t.now.Load() {
		found |= subtle.ConstantTimeCompare(s[:], sum[:])
	}
	return found == 1 && strings.EqualFold(scheme, "Bearer")
}

// authorized lets only requests with a token in, but for those that the open
// paths answer: health, and the page, which asks for a token itself.
func (s *Server) authorized(h http.Handler) http.Handler {
	if s.tokens == nil {
		return h
	}
	open := map[string]bool{"/healthz": true, "/readyz": true, "/v2/health/live": true, "/v2/health/ready": true, "/openapi.json": true}
	for path := range pageFiles {
		open[strings.TrimSuffix(path, "{$}")] = true
	}
	refuse := s.light("other", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("WWW-Authenticate", `Bearer realm="whippet"`)
		return fail(http.StatusUnauthorized, "token", "the service wants a token: send the header Authorization: Bearer TOKEN")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !open[r.URL.Path] && !s.tokens.allow(r) {
			refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// stampOf tells a file's version.
func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// changed reports whether one of the files is another than at, in the same order.
func changed(paths []string, at []stamp) bool {
	for i, path := range paths {
		if now, err := stampOf(path); err == nil && now != at[i] {
			return true
		}
	}
	return false
}

// reloadSecrets reads tokens and certificates whose files changed. What cannot
// be used is logged, and what was loaded stays.
func (s *Server) reloadSecrets() {
	var errs []error
	if t := s.tokens; t != nil && changed([]string{t.path}, []stamp{t.at}) {
		errs = append(errs, t.load())
	}
	if c := s.certificate; c != nil && changed([]string{c.certFile, c.keyFile}, c.at[:]) {
		errs = append(errs, c.load())
	}
	if len(errs) == 0 {
		return
	}
	if err := errors.Join(errs...); err != nil {
		s.opts.Log.Error("tokens or certificate not reloaded, the loaded ones stay", "error", err)
		return
	}
	s.opts.Log.Info("tokens or certificate reloaded")
}
