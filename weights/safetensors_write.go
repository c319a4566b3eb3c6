package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"unicode/utf8"

	"github.com/whippet-ml/whippet/internal/files"
)

// Save writes f to path as safetensors; see Write. The file appears whole or
// not at all: it is written beside path, synced and renamed.
func Save(path string, f *File) error {
	if err := files.WriteFile(path, func(w io.Writer) error { return Write(w, f) }); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return nil
}

// Write writes f as safetensors. The same File gives the same bytes: the
// header has the metadata first, by key, and the arrays in their order, and is
// padded with spaces so that the data begin at a multiple of 8; the data of
// wider types come before those of narrower ones, so that every array is
// aligned to its element in a memory-mapped file. Numbers keep their bits.
//
// Names must be unique, valid UTF-8 and not "__metadata__". File.Format is
// ignored.
func Write(w io.Writer, f *File) error {
	if err := checkFile(f); err != nil {
		return err
	}
	order := dataOrder(f.Arrays)
	offsets := make([][2]int64, len(f.Arrays))
	at := int64(0)
	for _, i := range order {
		a := &f.Arrays[i]
		bytes := int64(a.Len()) * int64(a.DType.Size())
		offsets[i] = [2]int64{at, at + bytes}
		at += bytes
	}
	header, err := safeTensorsHeader(f, offsets)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, i := range order {
		if err := f.Arrays[i].WriteElements(w); err != nil {
			return err
		}
	}
	return nil
}

func checkFile(f *File) error {
	names := make(map[string]bool, len(f.Arrays))
	total := int64(0)
	for i := range f.Arrays {
		a := &f.Arrays[i]
		if err := a.Check(); err != nil {
			return err
		}
		switch {
		case names[a.Name]:
			return fmt.Errorf("two arrays are called %s", quote(a.Name))
		case a.Name == metadataKey:
			return fmt.Errorf("an array cannot be called %q in a safetensors file", metadataKey)
		case !utf8.ValidString(a.Name):
			return fmt.Errorf("the array name %s is not valid UTF-8", quote(a.Name))
		}
		names[a.Name] = true
		bytes := int64(a.Len()) * int64(a.DType.Size())
		if bytes > math.MaxInt64-total {
			return fmt.Errorf("the arrays need more than 2^63 bytes")
		}
		total += bytes
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("metadata %s is not valid UTF-8", quote(k))
		}
	}
	return nil
}

// dataOrder returns the indexes of arrays, widest elements first, otherwise in
// order.
func dataOrder(arrays []Array) []int {
	order := make([]int, len(arrays))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		return arrays[order[i]].DType.Size() > arrays[order[j]].DType.Size()
	})
	return order
}

// safeTensorsHeader returns the length, the JSON and its padding.
func safeTensorsHeader(f *File, offsets [][2]int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 8, 4096))
	b.WriteByte('{')
	if f.Metadata != nil {
		b.WriteString(`"` + metadataKey + `":`)
		// encoding/json sorts the keys of a map.
		if err := appendJSON(b, f.Metadata); err != nil {
			return nil, err
		}
	}
	for i := range f.Arrays {
		a := &f.Arrays[i]
		if i > 0 || f.Metadata != nil {
			b.WriteByte(',')
		}
		if err := appendJSON(b, a.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		shape := a.Shape
		if shape == nil {
			shape = []int{}
		}
		err := appendJSON(b, struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{a.DType.element().name, shape, offsets[i]})
		if err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	length := b.Len() - 8
	if length > maxSafeTensorsHeader {
		return nil, fmt.Errorf("names and metadata need a header of %d bytes, the limit is %d", length, maxSafeTensorsHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(length))
	return b.Bytes(), nil
}

// appendJSON writes v without the escapes for HTML and without the line end of
// json.Encoder.
func appendJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}
