package weights

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readBytes(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// safe builds a safetensors file from a header and data.
func safe(header string, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func sample() *File {
	return &File{
		Format:   SafeTensors,
		Metadata: map[string]string{"format": "pt", "a": "<é \"quoted\" &>"},
		Arrays: []Array{
			{Name: "small", Shape: []int{3}, DType: U8, U8: []uint8{1, 2, 255}},
			{Name: "conv.weight", Shape: []int{2, 1, 2}, F32: []float32{1, float32(math.Inf(-1)), math.Float32frombits(0x7fa00001), math.Float32frombits(0x80000000)}},
			{Name: "step", Shape: []int{}, DType: I64, I64: []int64{math.MinInt64}},
			{Name: "loss", Shape: []int{1}, DType: F64, F64: []float64{math.Float64frombits(0x7ff4000000000001)}},
			{Name: "none", Shape: []int{0, 7}, F32: []float32{}},
		},
	}
}

func TestSafeTensorsRoundTrip(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		t.Fatal(err)
	}
	header := binary.LittleEndian.Uint64(b.Bytes())
	if header%8 != 0 {
		t.Errorf("the data begin at %d, not at a multiple of 8", 8+header)
	}
	got, err := readBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	// reflect.DeepEqual says NaN != NaN, and payloads matter: compare bytes.
	var again bytes.Buffer
	if err := Write(&again, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("writing what was read gives other bytes:\n%q\n%q", b.Bytes(), again.Bytes())
	}
	for i := range want.Arrays {
		if g, w := got.Arrays[i], want.Arrays[i]; g.Name != w.Name || g.DType != w.DType || !reflect.DeepEqual(g.Shape, w.Shape) {
			t.Errorf("array %d is %s %s %v, want %s %s %v", i, g.Name, g.DType, g.Shape, w.Name, w.DType, w.Shape)
		}
	}
	if bits := math.Float32bits(got.Get("conv.weight").F32[2]); bits != 0x7fa00001 {
		t.Errorf("a signalling NaN became %#x", bits)
	}
	if !reflect.DeepEqual(got.Metadata, want.Metadata) {
		t.Errorf("metadata %v, want %v", got.Metadata, want.Metadata)
	}
}

// The exact bytes, so that a change of the layout is seen. The order of the
// data is by element size, that of the names is the caller's.
func TestSafeTensorsBytes(t *testing.T) {
	f := &File{Metadata: map[string]string{"z": "1", "b": "2"}, Arrays: []Array{
		{Name: "u", Shape: []int{1}, DType: U8, U8: []uint8{9}},
		{Name: "f", F32: []float32{1}},
	}}
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"b":"2","z":"1"},"u":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"f":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`
	for len(header)%8 != 0 {
		header += " "
	}
	if want := safe(header, "\x00\x00\x80\x3f\x09"); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got\n%q, want\n%q", b.Bytes(), want)
	}
}

func TestSafeTensorsElements(t *testing.T) {
	for _, c := range []struct {
		dtype, data string
		want        float64
	}{
		{"BOOL", "\x01", 1},
		{"U8", "\xff", 255},
		{"I8", "\xff", -1},
		{"I16", "\x00\x80", -32768},
		{"U16", "\xff\xff", 65535},
		{"F16", "\x00\xbc", -1},
		{"F16", "\x01\x00", 1.0 / (1 << 24)},
		{"F16", "\x00\x7c", math.Inf(1)},
		{"BF16", "\xc0\x3f", 1.5},
		{"I32", "\xfe\xff\xff\xff", -2},
		{"U32", "\xff\xff\xff\xff", 1<<32 - 1},
		{"F32", "\x00\x00\x20\xc0", -2.5},
		{"I64", "\xff\xff\xff\xff\xff\xff\xff\xff", -1},
		{"U64", "\x02\x00\x00\x00\x00\x00\x00\x00", 2},
		{"F64", "\x00\x00\x00\x00\x00\x00\xf0\x3f", 1},
	} {
		header := `{"x":{"dtype":"` + c.dtype + `","shape":[1],"data_offsets":[0,` + string('0'+rune(len(c.data))) + `]}}`
		f, err := readBytes(safe(header, c.data))
		if err != nil {
			t.Errorf("%s: %v", c.dtype, err)
			continue
		}
		if got := exact(&f.Arrays[0])[0]; got != c.want {
			t.Errorf("%s %q = %v, want %v", c.dtype, c.data, got, c.want)
		}
		if got := f.Arrays[0].Float32s()[0]; got != float32(c.want) {
			t.Errorf("%s %q as float32 = %v, want %v", c.dtype, c.data, got, c.want)
		}
	}
}

func TestSafeTensorsHostile(t *testing.T) {
	one := `{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`
	cases := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"header of 2^63 bytes", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x80}, '{', '}'), "9223372036854775808"},
		{"header of 2^64-1 bytes", append(bytes.Repeat([]byte{0xff}, 8), '{', '}'), "18446744073709551615"},
		{"header longer than the file", append([]byte{3, 0, 0, 0, 0, 0, 0, 0}, '{', '}'), "cut short"},
		{"empty object and stray data", safe(`{}`, "x"), "end at byte 0"},
		{"not UTF-8", safe("{\"\xff\":"+one+"}", "x"), "UTF-8"},
		{"JSON cut", safe(`{"a":`, ""), "EOF"},
		{"two objects", safe(`{}{}`, ""), "follows"},
		{"name twice", safe(`{"a":`+one+`,"a":`+one+`}`, "x"), "twice"},
		{"metadata twice", safe(`{"__metadata__":{},"__metadata__":{}}`, ""), "twice"},
		{"metadata key twice", safe(`{"__metadata__":{"a":"","a":""}}`, ""), "twice"},
		{"metadata not strings", safe(`{"__metadata__":{"a":1}}`, ""), "string"},
		{"field twice", safe(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "x"), "twice"},
		{"unknown field", safe(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"code":"x"}}`, "x"), "unknown field"},
		{"no shape", safe(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, "x"), "missing"},
		{"unknown type", safe(`{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, "x"), "not supported"},
		{"negative shape", safe(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, "x"), "-1"},
		{"fractional shape", safe(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, "x"), "1.0"},
		{"overflowing shape", safe(`{"a":{"dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,1]}}`, "x"), "too many"},
		{"overflow to zero", safe(`{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""), "too many"},
		{"overflow beside zero", safe(`{"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`, ""), "too many"},
		{"overflow by element size", safe(`{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, ""), "needs"},
		{"deep shape", safe(`{"a":{"dtype":"U8","shape":[`+strings.Repeat("1,", 64)+`1],"data_offsets":[0,1]}}`, "x"), "more than 64"},
		{"offset of 2^64", safe(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551616]}}`, "x"), "2^63"},
		{"offset of 2^62", safe(`{"a":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}`, "x"), "cut short"},
		{"offsets backwards", safe(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, "x"), "begin and an end"},
		{"three offsets", safe(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, "x"), "more than 2"},
		{"overlap", safe(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "xyz"), "inside the array before"},
		{"gap", safe(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xy"), "no array covers"},
		{"size mismatch", safe(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}`, "x"), "needs"},
		{"boolean 2", safe(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "\x02"), "boolean"},
		{"deep JSON", safe(`{"a":`+strings.Repeat(`{"dtype":`, 100000), ""), "string belongs"},
		{"U64 above int64", safe(`{"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}`, strings.Repeat("\xff", 8)), "largest int64"},
		{"empty", nil, "empty"},
		{"short", []byte("abc"), "3 bytes"},
		{"web page", []byte("<!DOCTYPE html><html>not found</html>"), "web page"},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
		{"HDF5", []byte("\x89HDF\r\n\x1a\n\x00"), "Keras"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00"), "unpack it first"},
		{"NumPy", []byte("\x93NUMPY\x01\x00v"), "NumPy"},
		{"GGUF", []byte("GGUF\x03\x00\x00\x00\x00"), "GGUF"},
		{"tar", []byte(strings.Repeat("a", 257) + "ustar\x0000"), "tar file"},
		{"text", []byte("hello, weights"), "unknown format"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := readBytes(c.file)
			if err == nil {
				t.Fatalf("no error: %v", f)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestSafeTensorsTruncated(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if _, err := readBytes(b.Bytes()[:n]); err == nil {
			t.Errorf("cut at byte %d of %d: no error", n, b.Len())
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	ok := Array{Name: "a", Shape: []int{1}, F32: []float32{1}}
	for _, c := range []struct {
		name string
		file File
		want string
	}{
		{"duplicate", File{Arrays: []Array{ok, ok}}, "two arrays"},
		{"reserved name", File{Arrays: []Array{{Name: "__metadata__", F32: []float32{1}}}}, "__metadata__"},
		{"name not UTF-8", File{Arrays: []Array{{Name: "\xff", F32: []float32{1}}}}, "UTF-8"},
		{"metadata not UTF-8", File{Metadata: map[string]string{"a": "\xff"}}, "UTF-8"},
		{"too few values", File{Arrays: []Array{{Name: "a", Shape: []int{2}, F32: []float32{1}}}}, "needs 2"},
		{"wrong type", File{Arrays: []Array{{Name: "a", Shape: []int{1}, DType: I64, F32: []float32{1}}}}, "needs 1"},
		{"two types", File{Arrays: []Array{{Name: "a", Shape: []int{1}, F32: []float32{1}, U8: []uint8{1}}}}, "another type"},
		{"unknown type", File{Arrays: []Array{{Name: "a", Shape: []int{0}, DType: 9}}}, "unknown type"},
		{"negative", File{Arrays: []Array{{Name: "a", Shape: []int{-1}}}}, "negative"},
	} {
		if err := Write(&bytes.Buffer{}, &c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := Save(path, sample()); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil || len(f.Arrays) != 5 {
		t.Fatalf("%v, %v", f, err)
	}
	if _, err := Load(path + ".absent"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory gives no error")
	}
}
