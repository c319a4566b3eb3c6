package hostile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
)

// Weights returns files that claim to be weights or models.
func Weights() []File {
	header := func(n uint64, rest string) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), rest...) }
	one := `{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`
	safe := func(json, data string) []byte { return header(uint64(len(json)), json+data) }
	call := "\x80\x02cos\nsystem\nX\x10\x00\x00\x00touch owned.file\x85R."
	return []File{
		{"empty.safetensors", nil, "empty"},
		{"header-of-2^63.safetensors", header(1<<63, "{}"), "9223372036854775808"},
		{"header-of-31-MiB.safetensors", header(31<<20, "{}"), "cut short"},
		{"name-twice.safetensors", safe(`{"a":`+one+`,"a":`+one+`}`, "x"), "twice"},
		{"overlap.safetensors", safe(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "xyz"), "inside the array before"},
		{"negative.safetensors", safe(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, "x"), "-1"},
		{"2^64-values.safetensors", safe(`{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""), "too many"},
		{"million-empty-arrays.safetensors", safe(`{`+numbered(400_000, `"a%":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)+`}`, ""), "more than 65536 arrays"},
		{"deep.safetensors", safe(`{"a":`+strings.Repeat(`[`, 1_000_000), ""), "belongs"},
		{"calls-os.system.pth", zipped(zip.Store, "m/data.pkl", call), `import "os.system"`},
		{"calls-os.system-legacy.pth", []byte(call), "os.system"},
		{"pickle-of-33-MiB.pth", zipped(zip.Deflate, "m/data.pkl", strings.Repeat("N", 33<<20)), "the limit is"},
		{"nested-tuples.pth", zipped(zip.Deflate, "m/data.pkl", "N"+strings.Repeat("\x85", 1<<20)+"."), ""},
		{"storage-of-1-GiB.pth", zippedZeros("m/data/0", 1<<30, "m/data.pkl", "\x80\x02}."), ""},
		{"quine.zip", []byte("PK\x03\x04quine"), ""},
		{"random.pth", []byte(strings.Repeat("\x80\x02\x95\xff\xff\xff\xff\xff\xff\xff\x7f", 1000)), ""},
	}
}

// Archives returns archives of data sets that lead out, or grow.
func Archives() []File {
	return []File{
		{"up.tgz", gz(tarOf(tar.Header{Name: "../owned.file", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644}, "x")), "leads out"},
		{"absolute.tgz", gz(tarOf(tar.Header{Name: "/tmp/owned.file", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644}, "x")), "absolute"},
		{"link.tgz", gz(tarOf(tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, "")), "leads out"},
		{"hard-link.tgz", gz(tarOf(tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}, "")), "l"},
		{"device.tgz", gz(tarOf(tar.Header{Name: "d.jpg", Typeflag: tar.TypeChar, Mode: 0o644}, "")), "device"},
		{"2^62-bytes.tgz", gz(tarOf(tar.Header{Name: "a.jpg", Typeflag: tar.TypeReg, Size: 1 << 62, Mode: 0o644}, "")), "allowed for one file"},
		{"up.zip", zipped(zip.Store, "../owned.file", "x"), "leads out"},
		{"bomb.zip", zippedZeros("a.jpg", 1<<30), "more than the limit"},
		{"empty.tgz", nil, "empty"},
		{"cut.tgz", gz(tarOf(tar.Header{Name: "a.jpg", Typeflag: tar.TypeReg, Size: 5, Mode: 0o644}, "12345"))[:60], "cut short"},
	}
}

// numbered is n copies of s with their number for the %, and commas between.
func numbered(n int, s string) string {
	before, after, _ := strings.Cut(s, "%")
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(before)
		for _, d := range []int{100_000, 10_000, 1000, 100, 10, 1} {
			b.WriteByte(byte('0' + i/d%10))
		}
		b.WriteString(after)
	}
	return b.String()
}

// zipped is a zip of names and contents.
func zipped(method uint16, entries ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		e, err := w.CreateHeader(&zip.FileHeader{Name: entries[i], Method: method})
		must(err)
		_, err = e.Write([]byte(entries[i+1]))
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

// zippedZeros is zipped with n zeros besides, called name.
func zippedZeros(name string, n int, entries ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		e, err := w.Create(entries[i])
		must(err)
		_, err = e.Write([]byte(entries[i+1]))
		must(err)
	}
	e, err := w.Create(name)
	must(err)
	part := make([]byte, 1<<20)
	for range n >> 20 {
		_, err := e.Write(part)
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

// tarOf is a tar of one entry. Its content may be shorter than its header says.
func tarOf(h tar.Header, content string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(w.WriteHeader(&h))
	if content != "" {
		_, err := w.Write([]byte(content))
		must(err)
	}
	if int64(len(content)) == h.Size {
		must(w.Close())
	}
	return b.Bytes()
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(err)
	must(w.Close())
	return out.Bytes()
}
