package weights

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkRead and BenchmarkWrite move 16 MiB of float32, a fifth of a
// ResNet-34.
func BenchmarkRead(b *testing.B) {
	var out bytes.Buffer
	if err := Write(&out, big()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	for b.Loop() {
		if _, err := readBytes(out.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	f := big()
	b.SetBytes(16 << 20)
	for b.Loop() {
		if err := Write(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}

func big() *File {
	return &File{Arrays: []Array{{Name: "w", Shape: []int{4 << 20}, F32: make([]float32, 4<<20)}}}
}
