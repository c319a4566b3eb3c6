package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"unicode/utf8"
)

// The safetensors format (https://github.com/huggingface/safetensors): eight
// bytes with the length N of the header as a little-endian uint64; N bytes of
// JSON, an object that maps each name to {"dtype", "shape", "data_offsets"},
// and "__metadata__" to an object of strings; then the data, which the offsets
// divide without gap or overlap.

// maxSafeTensorsHeader bounds the JSON. The reference implementation allows
// 100 MB; 32 MiB describe some 300 000 arrays, a thousand times what the
// largest ResNet has.
const maxSafeTensorsHeader = 32 << 20

const metadataKey = "__metadata__"

// safeTensor is one array of the header.
type safeTensor struct {
	name       string
	elem       *element
	shape      []int
	count      int
	begin, end int64 // in the data section
}

func readSafeTensors(r io.ReaderAt, size int64) (*File, error) {
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, fmt.Errorf("reading the header's length: %w", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > uint64(size-8) {
		return nil, fmt.Errorf("safetensors header of %d bytes in a file of %d: the file is cut short or damaged", length, size)
	}
	if length > maxSafeTensorsHeader {
		return nil, fmt.Errorf("safetensors header of %d bytes, the limit is %d", length, maxSafeTensorsHeader)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, int64(length)), header); err != nil {
		return nil, fmt.Errorf("reading the safetensors header: %w", err)
	}
	tensors, metadata, err := parseSafeTensors(header)
	if err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	data := 8 + int64(length)
	if err := checkLayout(tensors, size-data); err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	file := &File{Format: SafeTensors, Arrays: make([]Array, len(tensors)), Metadata: metadata}
	for i, t := range tensors {
		a := &file.Arrays[i]
		a.Name, a.Shape = t.name, t.shape
		if err := t.elem.read(a, r, data+t.begin, t.count); err != nil {
			return nil, fmt.Errorf("array %s: %w", quote(t.name), err)
		}
	}
	return file, nil
}

// checkLayout verifies that the arrays tile the data section exactly, as the
// format demands: then no byte is hidden and no two arrays share one.
func checkLayout(tensors []safeTensor, size int64) error {
	byOffset := make([]*safeTensor, len(tensors))
	for i := range tensors {
		byOffset[i] = &tensors[i]
	}
	sort.SliceStable(byOffset, func(i, j int) bool {
		a, b := byOffset[i], byOffset[j]
		return a.begin < b.begin || a.begin == b.begin && a.end < b.end
	})
	at := int64(0)
	for _, t := range byOffset {
		switch {
		case t.begin < at:
			return fmt.Errorf("array %s begins at %d, inside the array before it, which ends at %d", quote(t.name), t.begin, at)
		case t.begin > at:
			return fmt.Errorf("no array covers bytes %d to %d of the data, before array %s", at, t.begin, quote(t.name))
		case t.end > size:
			return fmt.Errorf("array %s ends at byte %d of the data, which has %d: the file is cut short", quote(t.name), t.end, size)
		}
		at = t.end
	}
	if at != size {
		return fmt.Errorf("the arrays end at byte %d of the data, which has %d", at, size)
	}
	return nil
}

// parseSafeTensors reads the JSON token by token: the order of the arrays is
// kept and a repeated name is an error, which decoding to a map would hide.
func parseSafeTensors(header []byte) ([]safeTensor, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("it is not valid UTF-8")
	}
	p := headerParser{dec: json.NewDecoder(bytes.NewReader(header))}
	p.dec.UseNumber()
	var tensors []safeTensor
	var metadata map[string]string
	names := map[string]bool{}
	err := p.object(func(name string) error {
		if names[name] {
			return fmt.Errorf("%s appears twice", quote(name))
		}
		names[name] = true
		if name == metadataKey {
			metadata = map[string]string{}
			return p.object(func(key string) error {
				if _, twice := metadata[key]; twice {
					return fmt.Errorf("metadata %s appears twice", quote(key))
				}
				v, err := p.str()
				metadata[key] = v
				return err
			})
		}
		t := safeTensor{name: name}
		if err := p.tensor(&t); err != nil {
			return fmt.Errorf("array %s: %w", quote(name), err)
		}
		if len(tensors) == maxArrays {
			return fmt.Errorf("it lists more than %d arrays; no network has so many", maxArrays)
		}
		tensors = append(tensors, t)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("something follows the JSON object")
	}
	return tensors, metadata, nil
}

type headerParser struct{ dec *json.Decoder }

// token returns the next token. A JSON text that stops early is not io.EOF
// but a damaged header.
func (p headerParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

func (p headerParser) delim(want json.Delim) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("found %s where %q belongs", quote(fmt.Sprint(t)), want.String())
	}
	return nil
}

// object reads an object and calls field after each name; field reads the
// value.
func (p headerParser) object(field func(name string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.dec.More() {
		name, err := p.str()
		if err != nil {
			return err
		}
		if err := field(name); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p headerParser) str() (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("found %s where a string belongs", quote(fmt.Sprint(t)))
	}
	return s, nil
}

// ints reads an array of at most limit integers from 0 up.
func (p headerParser) ints(limit int) ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	out := []int64{}
	for p.dec.More() {
		if len(out) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		number, _ := t.(json.Number)
		v, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("found %s where an integer from 0 to 2^63-1 belongs", quote(fmt.Sprint(t)))
		}
		out = append(out, v)
	}
	return out, p.delim(']')
}

// tensor reads the description of one array and checks it for itself.
func (p headerParser) tensor(t *safeTensor) error {
	var shape, offsets []int64
	seen := map[string]bool{}
	err := p.object(func(field string) (err error) {
		if seen[field] {
			return fmt.Errorf("field %s appears twice", quote(field))
		}
		seen[field] = true
		switch field {
		case "dtype":
			name, err := p.str()
			if err != nil {
				return err
			}
			known := false
			if t.elem, known = elements[name]; !known {
				return fmt.Errorf("element type %s is not supported; convert it to F32", quote(name))
			}
			return nil
		case "shape":
			shape, err = p.ints(maxRank)
			return err
		case "data_offsets":
			offsets, err = p.ints(2)
			return err
		}
		return fmt.Errorf("unknown field %s", quote(field))
	})
	if err != nil {
		return err
	}
	for _, field := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[field] {
			return fmt.Errorf("field %q is missing", field)
		}
	}
	if t.count, err = sizeOf(shape); err != nil {
		return err
	}
	t.shape = toInts(shape)
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return fmt.Errorf("data_offsets %v are not a begin and an end", offsets)
	}
	t.begin, t.end = offsets[0], offsets[1]
	if length := t.end - t.begin; length%int64(t.elem.size) != 0 || length/int64(t.elem.size) != int64(t.count) {
		return fmt.Errorf("shape %v of %s needs %d elements of %d bytes, data_offsets %v give %d bytes", shape, t.elem.name, t.count, t.elem.size, offsets, length)
	}
	return nil
}

// toInts converts a shape that sizeOf has checked.
func toInts(v []int64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}
