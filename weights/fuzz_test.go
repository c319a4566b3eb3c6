package weights

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
)

// Each target checks that nothing panics, that a file which is read is
// consistent and within its budget, and that it can be written and read again.

func checkRead(t *testing.T, b []byte) {
	var f *File
	var err error
	// The limits that TestHostileCheckpoints has.
	hostile.Bounded(t, 4<<20+200*len(b), func() { f, err = readBytes(b) })
	if err != nil {
		return
	}
	names := map[string]bool{}
	total := 0
	for i := range f.Arrays {
		a := &f.Arrays[i]
		if err := a.Check(); err != nil {
			t.Fatalf("%s: %v", f.Format, err)
		}
		if names[a.Name] {
			t.Fatalf("%s: two arrays are called %q", f.Format, a.Name)
		}
		names[a.Name] = true
		total += a.Len() * a.DType.Size()
	}
	if total > 1<<20+8*len(b) {
		t.Fatalf("%d bytes of arrays from a file of %d", total, len(b))
	}
	var out bytes.Buffer
	if err := Write(&out, f); err != nil {
		if names[metadataKey] || f.Format != SafeTensors {
			return // a name that only a pickle can have
		}
		t.Fatalf("writing it again: %v", err)
	}
	again, err := readBytes(out.Bytes())
	if err != nil {
		t.Fatalf("reading it again: %v", err)
	}
	if len(again.Arrays) != len(f.Arrays) {
		t.Fatalf("%d arrays became %d", len(f.Arrays), len(again.Arrays))
	}
}

func seedFiles(f *testing.F, pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		f.Fatalf("no files match %s: %v", pattern, err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

func FuzzSafeTensors(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(safe(`{"a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}`, "abcd"))
	f.Add(safe(`{"__metadata__":{"a":"b"},"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, "\x01"))
	f.Fuzz(checkRead)
}

// FuzzSafeTensorsHeader gives the JSON a right length, which the fuzzer seldom
// finds.
func FuzzSafeTensorsHeader(f *testing.F) {
	f.Add(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`, "0123456789ab")
	f.Add(`{"__metadata__":{"a":"b"}}  `, "")
	f.Fuzz(func(t *testing.T, header, data string) { checkRead(t, safe(header, data)) })
}

func FuzzTorchZip(f *testing.F) {
	seedFiles(f, "testdata/*_zip.pth")
	seedFiles(f, "testdata/plain_deflated.pth")
	f.Fuzz(checkRead)
}

func FuzzTorchLegacy(f *testing.F) {
	seedFiles(f, "testdata/*_legacy.pth")
	f.Fuzz(checkRead)
}

// FuzzTorchPickle puts the pickle into an archive that is whole.
func FuzzTorchPickle(f *testing.F) {
	good := pTensor(0, []int64{2, 2}, []int64{1, 2})
	f.Add(state(good))
	f.Add(pkl(pDict(pStr("model"), pDict(pStr("module.a"), good, pStr("module.b"), pCall(pGlobal("torch._utils", "_rebuild_parameter"), good, "\x88", "N")))))
	f.Add(pkl(pModule(pDict(pStr("w"), good), pDict(pStr("a"), pModule(pDict(pStr("w"), good), "}"), pStr("b"), "N"))))
	paths, err := filepath.Glob("testdata/*_zip.pth")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		r, err := zip.OpenReader(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range r.File {
			if !strings.HasSuffix(e.Name, "/data.pkl") {
				continue
			}
			in, err := e.Open()
			if err != nil {
				f.Fatal(err)
			}
			var b bytes.Buffer
			if _, err := b.ReadFrom(in); err != nil {
				f.Fatal(err)
			}
			f.Add(b.String())
		}
		if err := r.Close(); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, pickle string) {
		entries := []string{"m/data.pkl", pickle}
		for _, key := range []string{"0", "1", "2", "3", "4", "5"} {
			entries = append(entries, "m/data/"+key, strings.Repeat("\x00\x00\x80\x3f", 24))
		}
		checkRead(t, zipEntries(t, zip.Store, entries...))
	})
}
