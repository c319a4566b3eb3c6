// Package golden finds and reads the reference values that tests compare
// with: JSON and numpy files in the folder named by WHIPPET_TESTDATA. Only tests
// import it.
package golden

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Path returns the path of a file of the test data, and skips the test, saying
// so, when WHIPPET_TESTDATA is unset.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("WHIPPET_TESTDATA")
	if dir == "" {
		t.Skip("WHIPPET_TESTDATA is not set: no reference data")
	}
	p := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("WHIPPET_TESTDATA: %v", err)
	}
	return p
}

// JSON reads golden/name into v.
func JSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(Path(t, "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Array is a numpy array, converted to float64.
type Array struct {
	Shape []int
	Data  []float64
}

// Float32 returns the values as float32.
func (a Array) Float32() []float32 {
	f := make([]float32, len(a.Data))
	for i, v := range a.Data {
		f[i] = float32(v)
	}
	return f
}

// Ints returns the values as int.
func (a Array) Ints() []int {
	f := make([]int, len(a.Data))
	for i, v := range a.Data {
		f[i] = int(v)
	}
	return f
}

// NHWC returns a [N,C,H,W] array's values in NHWC order.
func (a Array) NHWC() []float32 {
	n, c, h, w := a.Shape[0], a.Shape[1], a.Shape[2], a.Shape[3]
	out := make([]float32, len(a.Data))
	for i := range n {
		for k := range c {
			for p := range h * w {
				out[(i*h*w+p)*c+k] = float32(a.Data[(i*c+k)*h*w+p])
			}
		}
	}
	return out
}

// NPZ reads all arrays of golden/name.
func NPZ(t testing.TB, name string) map[string]Array {
	t.Helper()
	z, err := zip.OpenReader(Path(t, "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]Array{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		a, err := parseNPY(b)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, f.Name, err)
		}
		out[strings.TrimSuffix(f.Name, ".npy")] = a
	}
	return out
}

var npyHeader = regexp.MustCompile(`'descr': '([<|=>]?)(\w\d+)', 'fortran_order': (True|False), 'shape': \(([^)]*)\)`)

func parseNPY(b []byte) (Array, error) {
	if len(b) < 10 || !bytes.HasPrefix(b, []byte("\x93NUMPY\x01")) {
		return Array{}, fmt.Errorf("not a version 1 npy file")
	}
	n := int(binary.LittleEndian.Uint16(b[8:]))
	m := npyHeader.FindStringSubmatch(string(b[10 : 10+n]))
	if m == nil || m[3] == "True" || m[1] == ">" {
		return Array{}, fmt.Errorf("header %q", b[10:10+n])
	}
	a, size := Array{}, 1
	for _, s := range strings.Split(m[4], ",") {
		if s = strings.TrimSpace(s); s != "" {
			d, err := strconv.Atoi(s)
			if err != nil {
				return a, err
			}
			a.Shape = append(a.Shape, d)
			size *= d
		}
	}
	b = b[10+n:]
	a.Data = make([]float64, size)
	le := binary.LittleEndian
	for i := range a.Data {
		switch m[2] {
		case "f4":
			a.Data[i] = float64(math.Float32frombits(le.Uint32(b[4*i:])))
		case "f8":
			a.Data[i] = math.Float64frombits(le.Uint64(b[8*i:]))
		case "i8":
			a.Data[i] = float64(int64(le.Uint64(b[8*i:])))
		case "i4":
			a.Data[i] = float64(int32(le.Uint32(b[4*i:])))
		case "u1", "b1":
			a.Data[i] = float64(b[i])
		default:
			return a, fmt.Errorf("type %s", m[2])
		}
	}
	return a, nil
}
