package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unsafe"

	"github.com/whippet-ml/whippet/weights"
)

// Version is the format of the states that this package reads and writes. It
// changes when old ones can no longer be continued. A state says its version in
// the field "version".
const Version = 2

// ErrDamaged means that a checkpoint, or each one of a folder, cannot be read.
var ErrDamaged = errors.New("damaged checkpoint")

// File is one checkpoint.
type File struct {
	Path   string          // of the file it was read from
	State  json.RawMessage // an object that has "version": Version
	Arrays []weights.Array
}

// Names in a file's metadata.
const (
	stateKey = "whippet.checkpoint"
	sumKey   = "whippet.checkpoint.crc32c"
)

// Read reads and verifies a checkpoint. The error wraps ErrDamaged unless the
// file is whole and of another version of the format. The checksum is judged
// first: a version may be wrong only because a bit of it is.
func Read(path string) (*File, error) {
	damaged := damagedAt(path)
	f, err := weights.Load(path)
	if err != nil {
		return nil, damaged("%w", err)
	}
	return parse(path, f, damaged)
}

// ReadFrom is Read of a checkpoint of size bytes in r, which lies at path on another
// machine.
func ReadFrom(r io.ReaderAt, size int64, path string) (*File, error) {
	damaged := damagedAt(path)
	f, err := weights.Read(r, size)
	if err != nil {
		return nil, damaged("%w", err)
	}
	return parse(path, f, damaged)
}

// damagedAt words what is wrong with the checkpoint at path.
func damagedAt(path string) func(format string, args ...any) error {
	return func(format string, args ...any) error {
		return fmt.Errorf("checkpoint: %w: %s: %w", ErrDamaged, path, fmt.Errorf(format, args...))
	}
}

// parse verifies a checkpoint that was at path.
func parse(path string, f *weights.File, damaged func(format string, args ...any) error) (*File, error) {
	state, ok := f.Metadata[stateKey]
	if !ok {
		return nil, damaged("its metadata has no %s", stateKey)
	}
	if got, want := checksum(f.Arrays, []byte(state)), f.Metadata[sumKey]; got != want {
		return nil, damaged("checksum %s, it says %q", got, want)
	}
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(state), &v); err != nil {
		return nil, damaged("metadata %s: %w", stateKey, err)
	}
	if v.Version != Version {
		return nil, fmt.Errorf("checkpoint: %s was written by another version of this program (format %d, this one reads %d): resume with the program that wrote it", path, v.Version, Version)
	}
	return &File{Path: path, State: json.RawMessage(state), Arrays: f.Arrays}, nil
}

// write stores the checkpoint at path, whole or not at all.
func (c *File) write(path string) error {
	f := &weights.File{Arrays: c.Arrays, Metadata: map[string]string{
		stateKey: string(c.State), sumKey: checksum(c.Arrays, c.State)}}
	return weights.Save(path, f)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of the state and of all arrays, in order, in
// hexadecimal. It is there for disks that lie and for copies cut short.
func checksum(arrays []weights.Array, state []byte) string {
	crc := crc32.Checksum(state, castagnoli)
	for i := range arrays {
		a := &arrays[i]
		crc = crc32.Update(crc, castagnoli, []byte(a.Name))
		switch a.DType {
		case weights.F32:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.F32))
		case weights.F64:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.F64))
		case weights.I64:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.I64))
		}
	}
	return fmt.Sprintf("%08x", crc)
}

func rawBytes[T float32 | float64 | int64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}
