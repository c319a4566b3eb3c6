package weights

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"testing"
)

// Every float16 number, against its definition in IEEE 754.
func TestHalfToFloat32(t *testing.T) {
	for h := range 1 << 16 {
		got := halfToFloat32(uint16(h))
		exponent, fraction := h>>10&0x1f, h&0x3ff
		var want float64
		switch {
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			if !math.IsNaN(float64(got)) {
				t.Errorf("%#04x is %v, want NaN", h, got)
			}
			continue
		case exponent == 0:
			want = math.Ldexp(float64(fraction), -24)
		default:
			want = math.Ldexp(float64(1024+fraction), exponent-25)
		}
		if h>>15 == 1 {
			want = math.Copysign(want, -1)
		}
		if math.Float64bits(float64(got)) != math.Float64bits(want) {
			t.Errorf("%#04x is %v, want %v", h, got, want)
		}
	}
}

// errAt is a file whose disk fails at a byte, and a writer that is full there.
type errAt struct {
	b    []byte
	at   int64
	done int64
}

var errDisk = errors.New("input/output error")

func (e *errAt) ReadAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > e.at {
		n := max(0, e.at-off)
		return copy(p[:n], e.b[min(off, int64(len(e.b))):]), errDisk
	}
	return bytes.NewReader(e.b).ReadAt(p, off)
}

func (e *errAt) Write(p []byte) (int, error) {
	if left := e.at - e.done; int64(len(p)) > left {
		e.done = e.at
		return int(left), errDisk
	}
	e.done += int64(len(p))
	return len(p), nil
}

func TestReadErrors(t *testing.T) {
	var safe bytes.Buffer
	if err := Write(&safe, sample()); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"safetensors": safe.Bytes()}
	for _, name := range []string{"types_zip.pth", "views_legacy.pth"} {
		files[name] = readFile(t, filepath.Join("testdata", name))
	}
	for name, b := range files {
		for _, at := range []int{0, 5, 9, len(b) / 3, len(b) / 2, len(b) - 1} {
			_, err := Read(&errAt{b: b, at: int64(at)}, int64(len(b)))
			if !errors.Is(err, errDisk) {
				t.Errorf("%s, failing at byte %d: error %v does not wrap the disk's", name, at, err)
			}
		}
		// A file that became shorter after its size was asked.
		if _, err := Read(bytes.NewReader(b[:len(b)*2/3]), int64(len(b))); err == nil {
			t.Errorf("%s: a file that shrank gives no error", name)
		}
	}
	if _, err := Read(bytes.NewReader(nil), -1); err == nil {
		t.Error("a negative size gives no error")
	}
}

func TestWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"safetensors": func(w io.Writer) error { return Write(w, sample()) },
	} {
		var whole bytes.Buffer
		if err := write(&whole); err != nil {
			t.Fatal(err)
		}
		for at := range whole.Len() {
			if err := write(&errAt{at: int64(at)}); !errors.Is(err, errDisk) {
				t.Errorf("%s, full at byte %d: %v", name, at, err)
			}
		}
	}
}
