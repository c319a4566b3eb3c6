package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// entry is one line of a hand-made archive.
type entry struct {
	name, content, link string
	kind                byte // tar.Type…; 0 is a file
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.content)), Mode: 0o7777, Uid: 0}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, raw []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(raw, nil)
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(0o644)
		content := e.content
		switch e.kind {
		case tar.TypeSymlink:
			h.SetMode(fs.ModeSymlink | 0o777)
			content = e.link
		case tar.TypeFifo:
			h.SetMode(fs.ModeNamedPipe | 0o644)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tree lists what is below dir: "a/b=content", "l->target", "d/".
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			rel += "/"
		case d.Type()&fs.ModeSymlink != 0:
			l, _ := os.Readlink(p)
			rel += "->" + l
		default:
			c, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if len(c) > 20 {
				c = fmt.Appendf(nil, "%d bytes", len(c))
			}
			rel += "=" + string(c)
		}
		out = append(out, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return out
}

// unpack writes raw to a file and extracts it into a folder whose neighbor
// must stay untouched.
func unpack(t testing.TB, raw []byte, limits Limits) (dest string, err error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "set.tgz")
	dest = filepath.Join(dir, "box", "dest")
	if err := os.MkdirAll(dest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	err = Extract(context.Background(), file, dest, limits, nil)
	for _, outside := range []string{dir, filepath.Join(dir, "box")} {
		entries, rerr := os.ReadDir(outside)
		want := map[string]int{dir: 2, filepath.Join(dir, "box"): 1}[outside]
		if rerr != nil || len(entries) != want {
			t.Errorf("the extraction wrote outside its folder: %v", entries)
		}
	}
	return dest, err
}

func TestExtract(t *testing.T) {
	files := []entry{
		{name: "set/", kind: tar.TypeDir},
		{name: "set/a.jpg", content: "first"},
		{name: "./set/deep/er/b.jpg", content: "second"},
		{name: "set/empty"},
		{name: "ö 犬.txt", content: "names"},
	}
	want := []string{"set/", "set/a.jpg=first", "set/deep/", "set/deep/er/", "set/deep/er/b.jpg=second", "set/empty=", "ö 犬.txt=names"}
	old := tarOf(t, files...)
	for _, c := range []struct {
		name string
		raw  []byte
		want []string
	}{
		{"tar", old, want},
		{"tar.gz", gz(t, old), want},
		{"tar.zst", zst(t, old), want},
		{"zip", zipOf(t, files...), want},
		{"later entries replace earlier ones", gz(t, tarOf(t, entry{name: "a", content: "old"}, entry{name: "a", content: "new"})), []string{"a=new"}},
		{"links inside", gz(t, tarOf(t, entry{name: "d/a", content: "x"}, entry{name: "d/l", kind: tar.TypeSymlink, link: "a"},
			entry{name: "up", kind: tar.TypeSymlink, link: "d/../d/a"}, entry{name: "h", kind: tar.TypeLink, link: "d/a"})),
			[]string{"d/", "d/a=x", "d/l->a", "h=x", "up->d/../d/a"}},
		{"a link to nothing yet inside", tarOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "missing"}), []string{"l->missing"}},
		{"link in a zip", zipOf(t, entry{name: "a", content: "x"}, entry{name: "l", kind: tar.TypeSymlink, link: "a"}), []string{"a=x", "l->a"}},
		{"tar of 1979, without magic", oldTar(t), []string{"a=x"}},
		{"a comment of git", gz(t, tarWithGlobal(t)), []string{"a=x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dest, err := unpack(t, c.raw, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dest); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("extracted %q, want %q", got, c.want)
			}
			info, err := os.Stat(filepath.Join(dest, strings.SplitN(c.want[len(c.want)-1], "=", 2)[0]))
			if err == nil && info.Mode().Perm()&0o111 != 0 && !info.IsDir() {
				t.Errorf("a file has the mode %v; data should not be executable", info.Mode())
			}
		})
	}
}

// oldTar is a tar file as Unix V7 wrote it.
func oldTar(t *testing.T) []byte {
	raw := tarOf(t, entry{name: "a", content: "x"})
	h := raw[:512]
	clear(h[257:512])
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

func tarWithGlobal(t *testing.T) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "0123"}},
		{Typeflag: tar.TypeReg, Name: "a", Size: 1},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = w.Write([]byte("x"))
	w.Close()
	return b.Bytes()
}

// TestHostile has archives made to do harm. Each must give a clear error, and
// unpack checks that nothing lies outside.
func TestHostile(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<20)
	small := Limits{MaxBytes: 3 << 20, MaxFileBytes: 2 << 20, MaxFiles: 10}
	many := make([]entry, 11)
	for i := range many {
		many[i] = entry{name: fmt.Sprint(i)}
	}
	valid := gz(t, tarOf(t, entry{name: "a", content: strings.Repeat("0123456789", 5000)}))
	corrupt := bytes.Clone(valid)
	corrupt[len(corrupt)-6] ^= 1 // of the checksum
	lie := zipOf(t, entry{name: "a", content: "12345678"})
	at := bytes.LastIndex(lie, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lie[at+24:], 3) // the directory says three bytes
	huge := zipOf(t, entry{name: "a", content: "12345678"})
	at = bytes.LastIndex(huge, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(huge[at+24:], 0xfffffff0)

	for _, c := range []struct {
		name  string
		raw   []byte
		fails string
	}{
		{"path up", tarOf(t, entry{name: "../evil", content: "x"}), "leads out"},
		{"path up in the middle", tarOf(t, entry{name: "a/../../evil", content: "x"}), "leads out"},
		{"path up in a zip", zipOf(t, entry{name: "../../evil", content: "x"}), "leads out"},
		{"absolute path", tarOf(t, entry{name: "/tmp/evil", content: "x"}), "absolute"},
		{"absolute path in a zip", zipOf(t, entry{name: "/tmp/evil", content: "x"}), "absolute"},
		{"backslash", zipOf(t, entry{name: `..\evil`, content: "x"}), "backslash"},
		{"deep", tarOf(t, entry{name: strings.Repeat("d/", 70) + "x", content: "x"}), "too many folders deep"},
		{"long", tarOf(t, entry{name: strings.Repeat("n", 5000), content: "x"}), "too long"},
		{"link up", tarOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "../.."}), "leads out"},
		{"link up from a folder", tarOf(t, entry{name: "d/l", kind: tar.TypeSymlink, link: "../../x"}), "leads out"},
		{"absolute link", tarOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "/etc/passwd"}), "leads out"},
		{"link up in a zip", zipOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "../../etc"}), "leads out"},
		{"file through an absolute link", tarOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "/tmp"}, entry{name: "l/evil", content: "x"}), "leads out"},
		{"link out by way of another link", tarOf(t, entry{name: "d/x", content: "x"}, entry{name: "d/l", kind: tar.TypeSymlink, link: ".."},
			entry{name: "e", kind: tar.TypeSymlink, link: "d/l/../../box"}), "leads out"},
		{"links in a circle", tarOf(t, entry{name: "a", kind: tar.TypeSymlink, link: "b"}, entry{name: "b", kind: tar.TypeSymlink, link: "a"}), "circle"},
		{"hard link up", tarOf(t, entry{name: "h", kind: tar.TypeLink, link: "../../set.tgz"}), "leads out"},
		{"hard link to a link", tarOf(t, entry{name: "l", kind: tar.TypeSymlink, link: "x"}, entry{name: "h", kind: tar.TypeLink, link: "l"}), "not an earlier file"},
		{"device", tarOf(t, entry{name: "null", kind: tar.TypeChar}), "device"},
		{"pipe", tarOf(t, entry{name: "p", kind: tar.TypeFifo}), "device"},
		{"pipe in a zip", zipOf(t, entry{name: "p", kind: tar.TypeFifo}), "device"},
		{"file in place of the folder", tarOf(t, entry{name: ".", content: "x"}), "in place of the target"},
		{"file and folder of one name", tarOf(t, entry{name: "a", content: "x"}, entry{name: "a/b", content: "x"}), "a"},
		{"one large file", gz(t, tarOf(t, entry{name: "z", content: zeros + zeros + zeros})), "allowed for one file"},
		{"large altogether", gz(t, tarOf(t, entry{name: "1", content: zeros}, entry{name: "2", content: zeros}, entry{name: "3", content: zeros}, entry{name: "4", content: "x"})), "more than the limit"},
		{"large altogether in a zip", zipOf(t, entry{name: "1", content: zeros}, entry{name: "2", content: zeros}, entry{name: "3", content: zeros}, entry{name: "4", content: "x"}), "more than the limit"},
		{"many files", gz(t, tarOf(t, many...)), "more than 10 files"},
		{"many files in a zip", zipOf(t, many...), "more than 10 files"},
		{"cut short", valid[:len(valid)/2], "cut short"},
		{"cut before the checksum", valid[:len(valid)-4], "cut short"},
		{"wrong checksum", corrupt, "damaged"},
		{"tar cut short", tarOf(t, entry{name: "a", content: zeros})[:5000], "cut short"},
		{"zip cut short", zipOf(t, entry{name: "a", content: "x"})[:40], "damaged or cut short"},
		{"zip whose directory lies about a size", lie, "damaged"},
		{"zip whose directory claims 4 GB", huge, "allowed for one file"},
		{"nothing", nil, "is empty"},
		{"no entries", tarOf(t), ""},
		{"zip without entries", zipOf(t), "holds no files"},
		{"web page", []byte("<!DOCTYPE html><html>"), "web page"},
		{"a picture", []byte("\xff\xd8\xff\xe0JFIF"), "it is a picture, not an archive"},
		{"a WebP", []byte("RIFF\x00\x00\x00\x00WEBPVP8 "), "it is a picture, not an archive"},
		{"a 7z archive", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), "a 7z archive, which is not read"},
		{"an xz file", []byte("\xfd7zXZ\x00\x00\x04"), "compressed by xz, which is not read"},
		{"a text", []byte("hello"), "no archive"},
		{"gzip of something else", gz(t, []byte("hello")), "damaged or cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dest, err := unpack(t, c.raw, small)
			if err == nil {
				t.Fatalf("no error; extracted %q", tree(t, dest))
			}
			if !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "set.tgz") {
				t.Errorf("error %q, want one with the archive's name and %q", err, c.fails)
			}
		})
	}
}

func TestBombIsStoppedByItsRatio(t *testing.T) {
	// 80 MiB of zeros in 80 kB: within every absolute limit, beyond 200:1.
	raw := gz(t, tarOf(t, entry{name: "z", content: strings.Repeat("\x00", 80<<20)}))
	if _, err := unpack(t, raw, Limits{MaxRatio: 100}); err == nil || !strings.Contains(err.Error(), "more than the limit") {
		t.Errorf("a bomb of ratio 1000 gave %v, want a refusal", err)
	}
}

func TestCancel(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.tar")
	if err := os.WriteFile(file, tarOf(t, entry{name: "a", content: "x"}), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Extract(ctx, file, t.TempDir(), Limits{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzExtract(f *testing.F) {
	seeds := []entry{{name: "d/a", content: "hello"}, {name: "l", kind: tar.TypeSymlink, link: "d/a"}, {name: "h", kind: tar.TypeLink, link: "d/a"}}
	for _, raw := range [][]byte{tarOf(f, seeds...), gz(f, tarOf(f, seeds...)), zst(f, tarOf(f, seeds...)), zipOf(f, seeds[:2]...), tarOf(f, entry{name: "../x", content: "y"})} {
		f.Add(raw)
	}
	limits := Limits{MaxBytes: 1 << 20, MaxFileBytes: 1 << 19, MaxFiles: 50}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dest, err := unpack(t, raw, limits)
		var files int
		var size int64
		var seen []fs.FileInfo // hard links are one file
		root, rerr := os.OpenRoot(dest)
		if rerr != nil {
			t.Fatal(rerr)
		}
		defer root.Close()
		_ = filepath.WalkDir(dest, func(p string, d fs.DirEntry, werr error) error {
			if werr != nil {
				t.Fatal(werr)
			}
			files++
			info, ierr := d.Info()
			same := func(o fs.FileInfo) bool { return os.SameFile(o, info) }
			if ierr == nil && info.Mode().IsRegular() && !slices.ContainsFunc(seen, same) {
				size += info.Size()
				seen = append(seen, info)
			}
			if m := d.Type(); !m.IsRegular() && !m.IsDir() && m&fs.ModeSymlink == 0 {
				t.Fatalf("%s is a %v", p, m)
			}
			if rel, _ := filepath.Rel(dest, p); err == nil && d.Type()&fs.ModeSymlink != 0 {
				if _, serr := root.Stat(rel); serr != nil && !errors.Is(serr, fs.ErrNotExist) {
					t.Fatalf("the link %s was kept although it leads out: %v", rel, serr)
				}
			}
			return nil
		})
		if size > limits.MaxBytes+limits.MaxFileBytes || files > 50*65+2 {
			t.Fatalf("%d files with %d bytes, beyond the limits", files, size)
		}
	})
}

// TestTruncatedArchives cuts archives at every byte: an error, but for a tar
// without its end, which tar takes for whole.
func TestTruncatedArchives(t *testing.T) {
	files := []entry{{name: "d/a", content: strings.Repeat("hello", 30)}, {name: "b", content: "x"}}
	for name, whole := range map[string][]byte{"tar": tarOf(t, files...), "tgz": gz(t, tarOf(t, files...)), "zst": zst(t, tarOf(t, files...)), "zip": zipOf(t, files...)} {
		read := 0
		for n := range whole {
			if name == "tar" && n%37 != 0 {
				continue // it is thousands of zeros
			}
			dest, err := unpack(t, whole[:n], Limits{})
			if err == nil {
				read++
				if got := tree(t, dest); len(got) == 0 {
					t.Errorf("%s cut at byte %d of %d gave nothing and no error", name, n, len(whole))
				}
			}
		}
		if name != "tar" && read > 0 {
			t.Errorf("%s: %d cuts were read without an error", name, read)
		}
	}
}
