// Package localhub is a server that behaves as the Hugging Face Hub does towards
// those who download, for tests and for comparing clients: commits behind branches,
// large files behind a redirect to another host, gated and private repositories, the
// codes of its errors, and faults on demand.
package localhub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Repo is a repository: the files of each commit, and the commits that branches
// and tags stand for.
type Repo struct {
	Refs    map[string]string            // main → commit
	Commits map[string]map[string][]byte // commit → file → content
	Large   int                          // from how many bytes on a file is in LFS, behind the redirect; 0 is 1 MiB
	Gated   bool                         // needs a token that has been let in
	Private bool                         // is not there for those without the token
	Moved   string                       // the name that it has now, to which it redirects
}

// Hub is a running server.
type Hub struct {
	URL string // the endpoint
	CDN string // the host of large files

	Token string // the token that is let in everywhere
	// Fault, if not nil, may answer a request in the Hub's place, and says whether it
	// did. cdn tells where it arrived, n counts such requests from 1.
	Fault func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool

	mu       sync.Mutex
	repos    map[string]*Repo
	requests []Request
	front    *httptest.Server
	cdn      *httptest.Server
}

// Request is what a request looked like when it arrived.
type Request struct {
	CDN                                   bool
	Method, Path, Range, Token, UserAgent string
}

// New starts a server, which Close ends.
func New() *Hub {
	h := &Hub{repos: map[string]*Repo{}}
	h.front = httptest.NewServer(http.HandlerFunc(h.answer))
	h.cdn = httptest.NewServer(http.HandlerFunc(h.large))
	h.URL, h.CDN = h.front.URL, h.cdn.URL
	return h
}

// Close ends the server.
func (h *Hub) Close() {
	h.front.Close()
	h.cdn.Close()
}

// Put adds a repository whose main branch has these files, and returns it. Its
// commit is a hash of the names and contents.
func (h *Hub) Put(name string, files map[string][]byte) *Repo {
	sum := sha1.New()
	for _, f := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d\n%s", f, len(files[f]), files[f])
	}
	commit := hex.EncodeToString(sum.Sum(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repos[name]
	if r == nil {
		r = &Repo{Refs: map[string]string{}, Commits: map[string]map[string][]byte{}}
		h.repos[name] = r
	}
	r.Refs["main"], r.Commits[commit] = commit, files
	return r
}

// Requests returns what has arrived so far.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.requests...)
}

func (h *Hub) note(r *http.Request, cdn bool) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, Request{cdn, r.Method, r.URL.EscapedPath(), r.Header.Get("Range"), r.Header.Get("Authorization"), r.UserAgent()})
	for _, q := range h.requests {
		if q.CDN == cdn {
			n++
		}
	}
	return n
}

// refuse answers with an error as the Hub does.
func refuse(w http.ResponseWriter, status int, code, text string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", text)
	http.Error(w, text, status)
}

// answer is the Hub: /ORG/NAME/resolve/REVISION/FILE.
func (h *Hub) answer(w http.ResponseWriter, r *http.Request) {
	n := h.note(r, false)
	if h.Fault != nil && h.Fault(w, r, false, n) {
		return
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/resolve/")
	revision, file, ok2 := strings.Cut(rest, "/")
	revision, err := url.PathUnescape(revision)
	h.mu.Lock()
	repo := h.repos[name]
	h.mu.Unlock()
	known := h.Token != "" && r.Header.Get("Authorization") == "Bearer "+h.Token
	switch {
	case !ok || !ok2 || err != nil:
		refuse(w, http.StatusNotFound, "", "Not found")
		return
	case repo == nil || repo.Private && !known:
		if r.Header.Get("Authorization") == "" { // the Hub does not say which it is
			refuse(w, http.StatusUnauthorized, "", "Invalid username or password.")
			return
		}
		refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
		return
	case repo.Moved != "":
		w.Header().Set("Location", "/"+repo.Moved+"/resolve/"+rest)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	case repo.Gated && !known && r.Header.Get("Authorization") == "":
		refuse(w, http.StatusUnauthorized, "GatedRepo", "Access to model "+name+" is restricted. You must have access to it and be authenticated to access it.")
		return
	case repo.Gated && !known:
		refuse(w, http.StatusForbidden, "GatedRepo", "Access to model "+name+" is restricted and you are not in the authorized list.")
		return
	}
	commit := revision
	if c, ok := repo.Refs[revision]; ok {
		commit = c
	}
	files, ok := repo.Commits[commit]
	if !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return
	}
	content, ok := files[file]
	w.Header().Set("X-Repo-Commit", commit)
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	if limit := repo.Large; limit == 0 && len(content) < 1<<20 || len(content) < limit {
		sum := sha1.New()
		fmt.Fprintf(sum, "blob %d\x00%s", len(content), content)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum.Sum(nil))+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return
	}
	sum := sha256.Sum256(content)
	oid := hex.EncodeToString(sum[:])
	w.Header().Set("X-Linked-Etag", `"`+oid+`"`)
	w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
	w.Header().Set("ETag", `"pointer-`+oid[:8]+`"`)
	w.Header().Set("Location", fmt.Sprintf("%s/repos/%s?repo=%s&commit=%s&file=%s", h.CDN, oid, url.QueryEscape(name), commit, url.QueryEscape(file)))
	w.WriteHeader(http.StatusFound)
}

// large is the other host: it has the contents, and wants no token.
func (h *Hub) large(w http.ResponseWriter, r *http.Request) {
	n := h.note(r, true)
	if h.Fault != nil && h.Fault(w, r, true, n) {
		return
	}
	q := r.URL.Query()
	h.mu.Lock()
	repo := h.repos[q.Get("repo")]
	h.mu.Unlock()
	if repo == nil {
		http.NotFound(w, r)
		return
	}
	content, ok := repo.Commits[q.Get("commit")][q.Get("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+strings.TrimPrefix(r.URL.Path, "/repos/")+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
