package datasets

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/fetch"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
)

// tgz is an archive of the given files.
func tgz(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range files {
		content := []byte("the content of " + name)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(content)
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("cannot make the archive")
	}
	return b.Bytes()
}

// fast makes retries quick.
func fast(r *fetch.Request) { r.Backoff, r.Retries = time.Millisecond, 2 }

func TestUntarLocalArchive(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string // a file in the folder that is returned
	}{
		{"one folder at the top", []string{"set/images/a.jpg", "set/b.txt"}, "images/a.jpg"},
		{"several", []string{"train/x/a.jpg", "valid/x/b.jpg"}, "train/x/a.jpg"},
		{"files at the top", []string{"a.jpg", "d/b.jpg"}, "a.jpg"},
		{"a folder and what macOS adds", []string{"set/a.jpg", "__MACOSX/set/._a.jpg", ".DS_Store"}, "a.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := t.TempDir()
			file := filepath.Join(t.TempDir(), "my set.tar.gz")
			if err := os.WriteFile(file, tgz(t, c.files...), 0o644); err != nil {
				t.Fatal(err)
			}
			dir, err := Untar(context.Background(), file, WithHome(home))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(c.want))); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(filepath.Base(dir), "my_set-") {
				t.Errorf("the folder is %s, want one named after the archive", dir)
			}
			again, err := Untar(context.Background(), "file://"+filepath.ToSlash(file), WithHome(home))
			if err != nil || again != dir {
				t.Errorf("as a file address: %s, error %v; want %s", again, err, dir)
			}
			leftovers(t, home)
		})
	}
}

// leftovers complains about temporary folders below home.
func leftovers(t *testing.T, home string) {
	t.Helper()
	for _, pattern := range []string{"data/*.partial", "data/.*.partial", "archive/*.part*", "archive/*gz"} {
		if found, _ := filepath.Glob(filepath.Join(home, pattern)); len(found) > 0 {
			t.Errorf("left over: %q", found)
		}
	}
}

func TestUntarChangedArchiveIsExtractedAnew(t *testing.T) {
	home, file := t.TempDir(), filepath.Join(t.TempDir(), "set.tgz")
	var dirs []string
	for _, f := range []string{"set/a.jpg", "set/longer.jpg"} {
		if err := os.WriteFile(file, tgz(t, f), 0o644); err != nil {
			t.Fatal(err)
		}
		dir, err := Untar(context.Background(), file, WithHome(home))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(f))); err != nil {
			t.Error(err)
		}
		dirs = append(dirs, dir)
	}
	if dirs[0] == dirs[1] {
		t.Error("a changed archive gave the old folder")
	}
}

func TestUntarFolderIsReturnedAsItIs(t *testing.T) {
	dir := t.TempDir()
	if got, err := Untar(context.Background(), dir); err != nil || got != dir {
		t.Errorf("%s, error %v; want %s", got, err, dir)
	}
}

func TestUntarNothing(t *testing.T) {
	for _, c := range []struct{ source, part string }{
		{"no-such-set", "known are birds, caltech101, cars, cifar,"},
		{"ftp://host/x.tgz", "the scheme is ftp"},
		{"http://%zz", "invalid URL"},
		{"file:///no/such/file.tgz", "neither a local file"},
	} {
		if _, err := Untar(context.Background(), c.source, WithHome(t.TempDir())); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want an error with %q", c.source, err, c.part)
		}
	}
}

func TestUntarDownload(t *testing.T) {
	archive := tgz(t, "set/images/a.jpg")
	var requests atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if requests.Add(1) == 1 { // the first connection breaks half-way
			w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
			_, _ = w.Write(archive[:len(archive)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(archive))
	}))
	defer s.Close()
	home := t.TempDir()
	t.Setenv("WHIPPET_HOME", home)
	stages := map[string]Progress{}
	dir, err := Untar(context.Background(), s.URL+"/files/set.tgz?version=1", withRequest(fast), WithClient(s.Client()),
		WithProgress(func(p Progress) { stages[p.Stage] = p }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "images", "a.jpg")); err != nil || !strings.HasPrefix(dir, home) {
		t.Errorf("folder %s, error %v", dir, err)
	}
	for _, stage := range []string{"download", "extract"} {
		if p := stages[stage]; p.Done != int64(len(archive)) || p.Total != p.Done || !strings.HasSuffix(p.Name, "set.tgz") {
			t.Errorf("the last progress of %s is %+v, want all %d bytes of set.tgz", stage, p, len(archive))
		}
	}
	again, err := Untar(context.Background(), s.URL+"/files/set.tgz?version=1")
	if err != nil || again != dir || requests.Load() != 2 {
		t.Errorf("the second call: %s, error %v, %d requests; want the same folder without a third", again, err, requests.Load())
	}
	leftovers(t, home)
}

func TestUntarDownloadOfABadArchive(t *testing.T) {
	var page atomic.Bool
	page.Store(true)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page.Load() {
			fmt.Fprint(w, "<html>Please log in</html>")
			return
		}
		_, _ = w.Write(tgz(t, "set/a.jpg"))
	}))
	defer s.Close()
	home := t.TempDir()
	if _, err := Untar(context.Background(), s.URL+"/set.tgz", WithHome(home)); err == nil || !strings.Contains(err.Error(), "web page") {
		t.Errorf("a web page in place of the archive gave %v", err)
	}
	leftovers(t, home)
	page.Store(false)
	if _, err := Untar(context.Background(), s.URL+"/set.tgz", WithHome(home), WithSHA256("00000000")); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("a wrong checksum gave %v", err)
	}
	if _, err := Untar(context.Background(), s.URL+"/set.tgz", WithHome(home)); err != nil {
		t.Errorf("after the server was repaired: %v", err)
	}
	if _, err := Untar(context.Background(), s.URL+"/other.tgz", WithHome(home), WithLimits(Limits{MaxFileBytes: 3})); err == nil || !strings.Contains(err.Error(), "allowed for one file") {
		t.Errorf("a limit of 3 bytes a file gave %v", err)
	}
	leftovers(t, home)
}

func TestUntarConcurrently(t *testing.T) {
	archive := tgz(t, "set/a.jpg")
	var requests atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = w.Write(archive)
	}))
	defer s.Close()
	home := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := Untar(context.Background(), s.URL+"/set.tgz", WithHome(home)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if requests.Load() != 1 {
		t.Errorf("%d downloads, want 1", requests.Load())
	}
	leftovers(t, home)
}

func TestUntarCancelled(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Untar(ctx, s.URL+"/set.tgz", WithHome(t.TempDir())); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that does not answer: %v, want the deadline", err)
	}
}

// roundTrip answers every request as a server would.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestUntarKnownSetIsChecked asks for Pets and gets another file.
func TestUntarKnownSetIsChecked(t *testing.T) {
	var asked string
	client := &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
		asked = r.URL.String()
		w := httptest.NewRecorder()
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(tgz(t, "oxford-iiit-pet/images/a.jpg")))
		return w.Result()
	})}
	_, err := Untar(context.Background(), "Pets", WithHome(t.TempDir()), WithClient(client))
	if err == nil || !strings.Contains(err.Error(), "should have 811706944") {
		t.Errorf("another file in place of Pets gave %v, want an error with the size that it should have", err)
	}
	if want := "https://s3.amazonaws.com/fast-ai-imageclas/oxford-iiit-pet.tgz"; asked != want {
		t.Errorf("asked for %s, want %s", asked, want)
	}
}

// TestUntarKilled kills real processes in the middle of extracting and checks
// that what they leave is never taken for whole.
func TestUntarKilled(t *testing.T) {
	if home := os.Getenv("WHIPPET_TEST_UNTAR_HOME"); home != "" { // the process to kill
		after, err := strconv.ParseFloat(os.Getenv("WHIPPET_TEST_UNTAR_AFTER"), 64)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = Untar(context.Background(), os.Getenv("WHIPPET_TEST_UNTAR_FILE"), WithHome(home), WithProgress(func(p Progress) {
			if self, err := os.FindProcess(os.Getpid()); err == nil && p.Stage == "extract" && float64(p.Done) >= after*float64(p.Total) {
				_ = self.Kill()
				select {}
			}
		}))
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	const n = 1000
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("set/%d/%d.jpg", i%10, i))
	}
	home, file := t.TempDir(), filepath.Join(t.TempDir(), "set.tgz")
	if err := os.WriteFile(file, tgz(t, names...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, after := range []string{"0", "0.3", "0.7", "1"} { // of the archive
		c := exec.Command(os.Args[0], "-test.run=^TestUntarKilled$")
		c.Env = append(os.Environ(), "WHIPPET_TEST_UNTAR_HOME="+home, "WHIPPET_TEST_UNTAR_FILE="+file, "WHIPPET_TEST_UNTAR_AFTER="+after)
		if out, err := c.CombinedOutput(); err == nil || len(out) > 0 {
			t.Fatalf("the process that was to be killed after %s of the archive ended with %v: %s", after, err, out)
		}
		if found, err := filepath.Glob(filepath.Join(home, "data", "set-*")); err != nil || len(found) > 0 {
			t.Fatalf("after a kill at %s of the archive there is %v, %v", after, found, err)
		}
		if started, err := filepath.Glob(filepath.Join(home, "data", ".set-*.partial")); err != nil || len(started) != 1 {
			t.Fatalf("after a kill at %s of the archive there are the beginnings %v, %v; want one", after, started, err)
		}
	}
	dir, err := Untar(context.Background(), file, WithHome(home))
	if err != nil {
		t.Fatal(err)
	}
	if files, err := data.ListFiles(context.Background(), dir, data.ListOptions{}); err != nil || len(files) != n {
		t.Errorf("after all the kills: %d files, error %v; want %d", len(files), err, n)
	}
	leftovers(t, home)
}

func TestDatasets(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range List() {
		if seen[d.Name] || !strings.HasPrefix(d.URL, "https://s3.amazonaws.com/fast-ai-") || d.Size <= 0 || len(d.HeadMD5) != 32 || d.About == "" {
			t.Errorf("the data set %+v is incomplete or there twice", d)
		}
		seen[d.Name] = true
	}
	for alias, name := range aliases {
		if !seen[name] || seen[alias] {
			t.Errorf("the alias %s of %s leads nowhere or hides a name", alias, name)
		}
	}
	for given, want := range map[string]string{"PETS": Pets, "imagenette_160": Imagenette160, "CIFAR_100": CIFAR100, "oxford-iiit-pet": Pets} {
		if d, ok := Find(given); !ok || d.Name != want {
			t.Errorf("%s is the data set %q, want %s", given, d.Name, want)
		}
	}
}

// TestUntarRealPets extracts the 450 real pictures when they are there.
func TestUntarRealPets(t *testing.T) {
	path, err := Untar(context.Background(), golden.Path(t, "data", "oxford-iiit-pet-3.tgz"), WithHome(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	items, err := data.ListFiles(context.Background(), filepath.Join(path, "images"), data.ListOptions{Extensions: []string{".jpg"}})
	if err != nil || len(items) != 450 {
		t.Errorf("%d pictures, error %v; want 450", len(items), err)
	}
}
