package datasets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/internal/archive"
	"github.com/whippet-ml/whippet/internal/fetch"
)

// Progress is how far Untar has come with one of its stages.
type Progress struct {
	Stage string // "download" or "extract"
	Name  string // the archive's file name
	Done  int64  // bytes of the archive downloaded, or read while extracting
	Total int64  // bytes of the archive; -1 if not known
}

// Limits bound what an archive may unpack to: see its fields. The zero value
// is 64 GiB, 8 GiB a file, 2 million files, and 200 times the archive's size.
type Limits = archive.Limits

// UntarOption changes one thing about Untar.
type UntarOption func(*untar)

// WithHome keeps downloads and extracted folders below dir instead of
// $WHIPPET_HOME or the user's cache folder.
func WithHome(dir string) UntarOption { return func(u *untar) { u.home = dir } }

// WithProgress calls f about ten times a second while Untar works, from one
// goroutine at a time.
func WithProgress(f func(Progress)) UntarOption { return func(u *untar) { u.progress = f } }

// WithClient downloads through c: proxies, certificates, tests.
func WithClient(c *http.Client) UntarOption { return func(u *untar) { u.request.Client = c } }

// WithSHA256 refuses a download whose SHA-256, in hex, does not begin with
// digest (at least 8 digits).
func WithSHA256(digest string) UntarOption { return func(u *untar) { u.request.SHA256 = digest } }

// WithLimits bounds the extraction.
func WithLimits(l Limits) UntarOption { return func(u *untar) { u.limits = l } }

// withRequest sets retries and waits, for tests.
func withRequest(f func(r *fetch.Request)) UntarOption { return func(u *untar) { f(&u.request) } }

type untar struct {
	home     string
	progress func(Progress)
	limits   Limits
	request  fetch.Request
}

// Untar returns a local folder with the data of source, which is
//
//   - the name of a known data set (Pets; see List),
//   - an http, https or file address of an archive,
//   - a local archive: tar, tar.gz, tar.bz2, tar.zst or zip, or
//   - a local folder, which is returned as it is.
//
// A folder whose name is a known data set's is given as ./pets. Archives are
// downloaded to <home>/archive, extracted to <home>/data and then, if they were
// downloaded, removed; what is there from an earlier call is returned at once,
// and a local archive that changed since is extracted anew. An archive with one
// folder at its top becomes that folder. An interrupted download resumes with
// the next call; an interrupted extraction is thrown away, for a folder gets
// its name only when it is whole. Several processes may ask for the same data
// at once: one does the work and the others wait.
func Untar(ctx context.Context, source string, opts ...UntarOption) (string, error) {
	u := &untar{progress: func(Progress) {}}
	for _, o := range opts {
		o(u)
	}
	u.progress = throttle(u.progress)
	if d, ok := Find(source); ok {
		u.request.Size, u.request.HeadMD5 = d.Size, d.HeadMD5
		base := path.Base(d.URL)
		return u.download(ctx, d.URL, base, stem(base))
	}
	if scheme, _, ok := strings.Cut(source, "://"); ok {
		addr, err := url.Parse(source)
		if err != nil {
			return "", fmt.Errorf("datasets: %w", err)
		}
		switch strings.ToLower(scheme) {
		case "http", "https":
			base := safeName(path.Base(addr.Path))
			hash := short(source)
			return u.download(ctx, source, hash+"-"+base, stem(base)+"-"+hash)
		case "file":
			return u.local(ctx, filepath.FromSlash(filePath(addr)))
		}
		return "", fmt.Errorf("datasets: cannot download %s: the scheme is %s, not http, https or file", source, scheme)
	}
	return u.local(ctx, source)
}

// throttle passes on ten calls a second, and the last of each stage.
func throttle(f func(Progress)) func(Progress) {
	var last time.Time
	return func(p Progress) {
		if now := time.Now(); p.Done == p.Total || now.Sub(last) >= 100*time.Millisecond {
			last = now
			f(p)
		}
	}
}

// filePath is the path of a file address; file:///C:/x is C:/x.
func filePath(u *url.URL) string {
	p := u.Path
	if len(p) > 2 && p[0] == '/' && p[2] == ':' {
		p = p[1:]
	}
	return p
}

// local handles a path.
func (u *untar) local(ctx context.Context, name string) (string, error) {
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		var known []string
		for _, d := range List() {
			known = append(known, d.Name)
		}
		return "", fmt.Errorf("datasets: %q is neither a local file or folder nor a known data set; known are %s", name, strings.Join(known, ", "))
	}
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if info.IsDir() {
		return name, nil
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	id := fmt.Sprintf("%s\x00%d\x00%d", abs, info.Size(), info.ModTime().UnixNano())
	base := safeName(filepath.Base(name))
	return u.place(ctx, stem(base)+"-"+short(id), func(string) (string, error) { return abs, nil }, false)
}

// download handles an address: archiveName is the file to download to, and key
// the folder to extract to.
func (u *untar) download(ctx context.Context, addr, archiveName, key string) (string, error) {
	get := func(home string) (string, error) {
		r := u.request
		r.URL, r.Path = addr, filepath.Join(home, "archive", archiveName)
		r.Progress = func(done, total int64) {
			if total < 0 && r.Size > 0 {
				total = r.Size
			}
			u.progress(Progress{Stage: "download", Name: archiveName, Done: done, Total: total})
		}
		err := fetch.Get(ctx, r)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w (a copy of the file from elsewhere can be given by its path instead)", err)
		}
		return r.Path, err
	}
	return u.place(ctx, key, get, true)
}

// place returns the folder <home>/data/<key>, made from the archive that get
// finds unless it is there. remove says that the archive goes afterwards.
func (u *untar) place(ctx context.Context, key string, get func(home string) (string, error), remove bool) (string, error) {
	home := u.home
	if home == "" {
		var err error
		if home, err = fetch.Home(); err != nil {
			return "", fmt.Errorf("datasets: %w", err)
		}
	}
	folder := filepath.Join(home, "data")
	target := filepath.Join(folder, key)
	if isDir(target) {
		return target, nil
	}
	unlock, err := fetch.Lock(ctx, filepath.Join(folder, "."+key+".lock"))
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	defer unlock()
	if isDir(target) { // another process made it meanwhile
		return target, nil
	}
	file, err := get(home)
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if err := u.extract(ctx, file, folder, key); err != nil {
		if remove && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !isDisk(err) {
			// The archive itself is at fault: the next call fetches it anew.
			_ = os.Remove(file)
		}
		return "", fmt.Errorf("datasets: %w", err)
	}
	if remove {
		_ = os.Remove(file)
		_ = os.Remove(file + ".lock") // whoever wants it holds key's lock first
	}
	return target, nil
}

// extract unpacks file beside its target and renames when all is there. The
// caller has the lock of key.
func (u *untar) extract(ctx context.Context, file, folder, key string) error {
	temp := filepath.Join(folder, "."+key+".partial")
	if err := os.RemoveAll(temp); err != nil { // of a process that was killed
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return err
	}
	name := filepath.Base(file)
	err := archive.Extract(ctx, file, temp, u.limits, func(done, total int64) {
		u.progress(Progress{Stage: "extract", Name: name, Done: done, Total: total})
	})
	if err != nil {
		return err
	}
	flush(temp)
	return os.Rename(top(temp), filepath.Join(folder, key))
}

// top is the one folder in dir, if dir holds nothing else to speak of, or dir.
func top(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return dir
	}
	only := ""
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" {
			continue
		}
		if only != "" || !e.IsDir() {
			return dir
		}
		only = e.Name()
	}
	if only == "" {
		return dir
	}
	return filepath.Join(dir, only)
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// isDisk reports an error of the local disk (full, not writable), which is not
// the archive's fault.
func isDisk(err error) bool {
	var p *os.PathError
	return errors.As(err, &p)
}

// short is the first eight digits of a hash of s.
func short(s string) string {
	h := sha256.Sum256([]byte(s))
	return fmt.Sprintf("%x", h[:4])
}

// stem is a file name without an archive's extension.
func stem(name string) string {
	low := strings.ToLower(name)
	for _, ext := range []string{".tar.gz", ".tar.bz2", ".tar.zst", ".tgz", ".tbz2", ".tbz", ".tar", ".zip", ".gz", ".zst"} {
		if strings.HasSuffix(low, ext) && len(name) > len(ext) {
			return name[:len(name)-len(ext)]
		}
	}
	return name
}

// safeName is s with everything that some system refuses in a file name
// replaced, and not too long.
func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
	s = strings.TrimLeft(s, ".")
	if len(s) > 80 {
		s = s[len(s)-80:]
	}
	if s == "" {
		return "archive"
	}
	return s
}
