package hub

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/hub/localhub"
)

// start returns a Hub with one repository of a small and a large file, and a
// client with an empty cache.
func start(t *testing.T) (*localhub.Hub, *localhub.Repo, Client) {
	t.Helper()
	h := localhub.New()
	t.Cleanup(h.Close)
	repo := h.Put("org/net", map[string][]byte{"config.json": []byte(`{"architecture": "net"}`), "model.safetensors": big})
	repo.Large = 1 << 10
	return h, repo, Client{Endpoint: h.URL, Cache: t.TempDir(), backoff: time.Millisecond, tries: 2}
}

var big = bytes.Repeat([]byte("0123456789abcdef"), 1<<13) // 128 KiB

func get(t *testing.T, c Client, name, file string) (string, string, error) {
	t.Helper()
	r, err := ParseRepo(name)
	if err != nil {
		t.Fatal(err)
	}
	return c.File(t.Context(), r, file)
}

func mustGet(t *testing.T, c Client, name, file string, want []byte) (path string) {
	t.Helper()
	path, _, err := get(t, c, name, file)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, want) {
		t.Fatalf("%s has %d bytes, %v; want the %d of %s", path, len(b), err, len(want), file)
	}
	return path
}

func TestParseRepo(t *testing.T) {
	for in, want := range map[string]Repo{
		"timm/resnet50.a1_in1k":  {"timm/resnet50.a1_in1k", "main"},
		"gpt2":                   {"gpt2", "main"},
		"org/net@v1.0":           {"org/net", "v1.0"},
		"org/net@refs/pr/1":      {"org/net", "refs/pr/1"},
		"org/net@" + hex40('a'):  {"org/net", hex40('a')},
		"org/net@main":           {"org/net", "main"},
		"Org_1/Net-2.x@feature+": {"Org_1/Net-2.x", "feature+"},
	} {
		if got, err := ParseRepo(in); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "/", "org/", "/net", "a/b/c", "../net", "org/..", "org/a--b", "org/net.git", "org/net@", "org/net@../../x", "org/net@a//b", "org/net@/etc", "org/net@a\nb", "org/net@x.lock", "o g/net", "org/net@" + strings.Repeat("x", 300)} {
		if got, err := ParseRepo(in); err == nil {
			t.Errorf("%q is taken: %+v", in, got)
		}
	}
}

func hex40(c byte) string { return strings.Repeat(string(c), 40) }

// The cache is the Hub's: blobs, refs and links between them.
func TestLayout(t *testing.T) {
	h, repo, c := start(t)
	commit := repo.Refs["main"]
	path := mustGet(t, c, "org/net", "model.safetensors", big)
	if want := filepath.Join(c.Cache, "models--org--net", "snapshots", commit, "model.safetensors"); path != want {
		t.Errorf("the path is %s, want %s", path, want)
	}
	if to, err := os.Readlink(path); err == nil && !strings.HasPrefix(filepath.ToSlash(to), "../../blobs/") {
		t.Errorf("the link leads to %s", to)
	}
	if b, err := os.ReadFile(filepath.Join(c.Cache, "models--org--net", "refs", "main")); err != nil || string(b) != commit {
		t.Errorf("main is noted as %q, %v; want %s", b, err, commit)
	}
	mustGet(t, c, "org/net", "config.json", []byte(`{"architecture": "net"}`))
	blobs, err := os.ReadDir(filepath.Join(c.Cache, "models--org--net", "blobs"))
	if err != nil || len(blobs) != 2 {
		t.Errorf("%d blobs, %v; want 2 and nothing beside them: %v", len(blobs), err, blobs)
	}
	// The large file came once.
	mustGet(t, c, "org/net", "model.safetensors", big)
	n := 0
	for _, r := range h.Requests() {
		if r.CDN {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the large file was asked for %d times", n)
	}
}

func TestRevisions(t *testing.T) {
	h, repo, c := start(t)
	old := repo.Refs["main"]
	repo.Refs["refs/pr/1"] = old
	mustGet(t, c, "org/net", "model.safetensors", big)
	other := append([]byte("x"), big...)
	h.Put("org/net", map[string][]byte{"model.safetensors": other})
	mustGet(t, c, "org/net", "model.safetensors", other) // main has moved
	mustGet(t, c, "org/net@"+old, "model.safetensors", big)
	mustGet(t, c, "org/net@refs/pr/1", "model.safetensors", big)
	before := len(h.Requests())
	mustGet(t, c, "org/net@"+old, "model.safetensors", big)
	if n := len(h.Requests()) - before; n != 0 {
		t.Errorf("%d requests for a commit that is in the cache", n)
	}
	repo2 := h.Put("org/new", map[string][]byte{"config.json": []byte("{}")})
	repo2.Moved = "org/net"
	mustGet(t, c, "org/new", "model.safetensors", other)
}

// The token goes to the Hub and not to the host of large files.
func TestToken(t *testing.T) {
	h, repo, c := start(t)
	h.Token, repo.Gated = "hf_secret", true
	if _, _, err := get(t, c, "org/net", "model.safetensors"); !errors.Is(err, ErrGated) || !strings.Contains(err.Error(), h.URL+"/org/net") || !strings.Contains(err.Error(), "HF_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
	c.Token = "hf_other"
	if _, _, err := get(t, c, "org/net", "model.safetensors"); !errors.Is(err, ErrGated) || !strings.Contains(err.Error(), "the token's account") || strings.Contains(err.Error(), c.Token) {
		t.Errorf("with another's token: %v", err)
	}
	c.Token = "hf_secret"
	mustGet(t, c, "org/net", "model.safetensors", big)
	sent := 0
	for _, r := range h.Requests() {
		if r.CDN && r.Token != "" {
			t.Errorf("the host of large files was sent %q", r.Token)
		}
		if r.Token == "Bearer hf_secret" {
			sent++
		}
	}
	if sent == 0 {
		t.Error("the Hub was not sent the token")
	}
}

func TestErrors(t *testing.T) {
	h, repo, c := start(t)
	h.Put("org/secret", map[string][]byte{"config.json": nil}).Private = true
	withToken := c
	withToken.Token = "hf_x"
	for _, tc := range []struct {
		c             Client
		repo, file    string
		is            error
		says, advises string
	}{
		{c, "org/none", "config.json", ErrNoRepo, "no repository org/none", "check the name"},
		{withToken, "org/none", "config.json", ErrNoRepo, "no repository org/none", "check the name and the token"},
		{c, "org/secret", "config.json", ErrNoRepo, "or it is private", "HF_TOKEN"},
		{c, "org/net@v9", "config.json", ErrNoRevision, `no revision "v9"`, "/tree/main"},
		{c, "org/net", "pytorch_model.bin", ErrNoFile, "no file pytorch_model.bin", "org/net"},
	} {
		if _, _, err := get(t, tc.c, tc.repo, tc.file); !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), tc.advises) {
			t.Errorf("%s %s: %v", tc.repo, tc.file, err)
		}
	}
	if _, _, err := get(t, c, "org/net", "../config.json"); err == nil {
		t.Error("a file outside the repository is asked for")
	}
	// What is in the cache is used while the Hub is down, and only then.
	mustGet(t, c, "org/net", "config.json", repo.Commits[repo.Refs["main"]]["config.json"])
	h.Fault = func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	mustGet(t, c, "org/net", "config.json", repo.Commits[repo.Refs["main"]]["config.json"])
	if _, _, err := get(t, c, "org/net", "model.safetensors"); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "503") {
		t.Errorf("a Hub that is down: %v", err)
	}
	h.Close()
	mustGet(t, c, "org/net", "config.json", repo.Commits[repo.Refs["main"]]["config.json"])
	if _, _, err := get(t, c, "org/net", "model.safetensors"); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "bring the folder models--org--net") {
		t.Errorf("a Hub that is gone: %v", err)
	}
}

func TestOffline(t *testing.T) {
	h, repo, c := start(t)
	small := repo.Commits[repo.Refs["main"]]["config.json"]
	mustGet(t, c, "org/net", "config.json", small)
	c.Offline = true
	before := len(h.Requests())
	mustGet(t, c, "org/net", "config.json", small)
	_, _, err := get(t, c, "org/net", "model.safetensors")
	if !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Errorf("offline: %v", err)
	}
	if n := len(h.Requests()) - before; n != 0 {
		t.Errorf("%d requests while offline", n)
	}
}

// A broken connection is resumed, a busy server asked again, a damaged file replaced.
func TestFaults(t *testing.T) {
	h, _, c := start(t)
	h.Fault = func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool {
		switch {
		case !cdn && n == 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		case cdn && n == 1:
			w.Header().Set("ETag", `"same"`)
			w.Header().Set("Content-Length", "131072")
			_, _ = w.Write(big[:50_000])
			panic(http.ErrAbortHandler)
		case cdn && n == 2:
			w.Header().Set("ETag", `"same"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(big))
			return true
		}
		return false
	}
	path := mustGet(t, c, "org/net", "model.safetensors", big)
	resumed := slices.ContainsFunc(h.Requests(), func(r localhub.Request) bool { return r.CDN && r.Range == "bytes=50000-" })
	if !resumed {
		t.Errorf("the download was not resumed: %+v", h.Requests())
	}
	h.Fault = nil
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := slices.Clone(big)
	damaged[7]++
	if err := os.WriteFile(real, damaged, 0o666); err != nil {
		t.Fatal(err)
	}
	off := c
	off.Offline = true
	if _, _, err := get(t, off, "org/net", "model.safetensors"); !errors.Is(err, ErrOffline) {
		t.Errorf("a damaged file is taken offline: %v", err)
	}
	mustGet(t, c, "org/net", "model.safetensors", big)
}

// What a hostile server says becomes no name, no size and no content.
func TestHostile(t *testing.T) {
	answer := func(h map[string]string, status int) func(http.ResponseWriter, *http.Request, bool, int) bool {
		return func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool {
			for k, v := range h {
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			return true
		}
	}
	sha := strings.Repeat("ab", 32)
	for name, tc := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request, bool, int) bool
		says  string
	}{
		"commit that climbs":   {answer(map[string]string{"X-Repo-Commit": "../../../x", "ETag": `"a"`}, 200), "cannot be names of files"},
		"ETag that climbs":     {answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"../../../../.bashrc"`}, 200), "cannot be names of files"},
		"hidden ETag":          {answer(map[string]string{"X-Repo-Commit": hex40('a'), "X-Linked-Etag": `".x"`}, 200), "cannot be names of files"},
		"no commit":            {answer(map[string]string{"ETag": `"a"`}, 200), "lacks the headers"},
		"no Hub at all":        {answer(nil, 200), "lacks the headers"},
		"size below nothing":   {answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"a"`, "X-Linked-Size": "-5"}, 200), "bytes"},
		"size past all counts": {answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"a"`, "X-Linked-Size": "99999999999999999999"}, 200), "bytes"},
		"size past the limit":  {answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"a"`, "X-Linked-Size": "99999999999999"}, 200), "more than"},
		"redirects in circles": {answer(map[string]string{"Location": "/org/net/resolve/main/model.safetensors"}, 302), "circles"},
		"other content": {func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool {
			if r.Method == http.MethodHead {
				return answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"` + sha + `"`, "X-Linked-Size": "5"}, 200)(w, r, cdn, n)
			}
			_, _ = io.WriteString(w, "12345")
			return true
		}, "SHA-256"},
		"LFS pointer": {func(w http.ResponseWriter, r *http.Request, cdn bool, n int) bool {
			if r.Method == http.MethodHead {
				return answer(map[string]string{"X-Repo-Commit": hex40('a'), "ETag": `"a"`}, 200)(w, r, cdn, n)
			}
			_, _ = io.WriteString(w, "version https://git-lfs.github.com/spec/v1\noid sha256:"+sha+"\nsize 1\n")
			return true
		}, "LFS pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, c := start(t)
			h.Fault = tc.fault
			_, _, err := get(t, c, "org/net", "model.safetensors")
			if err == nil || !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 600 {
				t.Errorf("error %v; want one that says %q", err, tc.says)
			}
			found := 0
			_ = filepath.WalkDir(c.Cache, func(p string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() && d.Name() == "model.safetensors" {
					found++
				}
				return nil
			})
			if found > 0 {
				t.Error("the cache has the file all the same")
			}
		})
	}
}

// Several at once, as in several processes: one downloads.
func TestConcurrent(t *testing.T) {
	h, _, c := start(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, _, err := c.File(t.Context(), Repo{"org/net", "main"}, "model.safetensors"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, r := range h.Requests() {
		if r.CDN {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d downloads", n)
	}
}

func TestFromEnvironment(t *testing.T) {
	home := t.TempDir()
	for _, v := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN"} {
		t.Setenv(v, "")
	}
	t.Setenv("XDG_CACHE_HOME", home)
	check := func(what string, want Client) {
		t.Helper()
		c, err := FromEnvironment()
		c.Progress, want.Progress = nil, nil
		if err != nil || c.Endpoint != want.Endpoint || c.Cache != want.Cache || c.Token != want.Token || c.Offline != want.Offline {
			t.Errorf("%s: %+v, %v; want %+v", what, c, err, want)
		}
	}
	own := filepath.Join(home, "huggingface", "hub")
	check("nothing set", Client{Endpoint: "https://huggingface.co", Cache: own})
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "huggingface", "token"), []byte("hf_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("a token's file", Client{Endpoint: "https://huggingface.co", Cache: own, Token: "hf_file"})
	t.Setenv("HF_TOKEN", " hf_env \n")
	t.Setenv("HF_HUB_OFFLINE", "yes")
	t.Setenv("HF_ENDPOINT", "http://localhost:1/")
	t.Setenv("HF_HOME", filepath.Join(home, "other"))
	check("all set", Client{Endpoint: "http://localhost:1", Cache: filepath.Join(home, "other", "hub"), Token: "hf_env", Offline: true})
	t.Setenv("HF_HUB_CACHE", filepath.Join(home, "cache"))
	t.Setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
	check("no token unasked", Client{Endpoint: "http://localhost:1", Cache: filepath.Join(home, "cache"), Offline: true})
	for _, bad := range []string{"huggingface.co", "ftp://x", "http://", "https://user:secret@x"} {
		t.Setenv("HF_ENDPOINT", bad)
		if _, err := FromEnvironment(); err == nil {
			t.Errorf("the endpoint %s is taken", bad)
		}
	}
}
