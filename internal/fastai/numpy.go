package fastai

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// numpy pickles a number as scalar(dtype, bytes), and an array as
// _reconstruct(…) with the state (version, shape, dtype, column-major, content),
// where content is bytes, or a list for arrays of objects. Protocol 2 has bytes as
// _codecs.encode(text, 'latin1').

// rawBytes returns bytes of either form.
func rawBytes(v any) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case *pickle.Object:
		f, _ := v.Func.(pickle.Global)
		if (f == pickle.Global{Module: "_codecs", Name: "encode"}) && len(v.Args) == 2 && v.Args[1] == "latin1" {
			text, ok := v.Args[0].(string)
			out := make([]byte, 0, len(text))
			for _, r := range text {
				if r > 0xff {
					return nil, false
				}
				out = append(out, byte(r))
			}
			return out, ok
		}
		if f.Name == "bytes" && len(v.Args) == 0 {
			return nil, true
		}
	}
	return nil, false
}

// dtype is the kind and size in bytes of a numpy type: dtype('U5', …).
func dtype(v any) (kind byte, size int, err error) {
	o, ok := v.(*pickle.Object)
	if ok && len(o.Args) > 0 {
		f, _ := o.Func.(pickle.Global)
		name, ok := o.Args[0].(string)
		if state, is := o.State.(pickle.Tuple); is && len(state) > 1 && state[1] == ">" {
			return 0, 0, errors.New("a big-endian numpy type")
		}
		if ok && f.Name == "dtype" && len(name) > 1 {
			n, err := strconv.Atoi(name[1:])
			switch kind := name[0]; {
			case err != nil || n < 0 || n > 1<<16:
			case kind == 'U':
				return kind, 4 * n, nil
			case strings.IndexByte("iufbOS", kind) >= 0:
				return kind, n, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("a numpy type that is not known (%s)", pickle.KindOf(v))
}

// element decodes one value of a numpy type.
func element(kind byte, b []byte) (any, error) {
	var full [8]byte
	switch {
	case kind == 'U':
		var s strings.Builder
		for ; len(b) >= 4; b = b[4:] {
			r := rune(binary.LittleEndian.Uint32(b))
			if r == 0 {
				break
			}
			if !utf8.ValidRune(r) {
				return nil, errors.New("a numpy string is not valid text")
			}
			s.WriteRune(r)
		}
		return s.String(), nil
	case kind == 'S':
		return strings.TrimRight(string(b), "\x00"), nil
	case kind == 'b' && len(b) == 1:
		return b[0] != 0, nil
	case len(b) > 8 || len(b) == 0:
	case kind == 'u', kind == 'i':
		copy(full[:], b)
		n := binary.LittleEndian.Uint64(full[:])
		if kind == 'i' {
			shift := 64 - 8*len(b)
			return int64(n<<shift) >> shift, nil
		}
		if n <= math.MaxInt64 {
			return int64(n), nil
		}
	case kind == 'f' && len(b) == 8:
		copy(full[:], b)
		return math.Float64frombits(binary.LittleEndian.Uint64(full[:])), nil
	case kind == 'f' && len(b) == 4:
		// The shortest decimals that are this float32, as str shows it.
		return strconv.ParseFloat(strconv.FormatFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'g', -1, 32), 64)
	}
	return nil, fmt.Errorf("a numpy value of kind %q and %d bytes", kind, len(b))
}

// scalar returns the value of numpy's scalar.
func scalar(o *pickle.Object) (any, error) {
	f, _ := o.Func.(pickle.Global)
	if !strings.HasPrefix(f.Module, "numpy") || f.Name != "scalar" || len(o.Args) != 2 {
		return nil, fmt.Errorf("a %s", pickle.KindOf(o))
	}
	kind, size, err := dtype(o.Args[0])
	if err != nil {
		return nil, err
	}
	b, ok := rawBytes(o.Args[1])
	if !ok || len(b) != size {
		return nil, errors.New("a numpy value without its bytes")
	}
	return element(kind, b)
}

// arrayItems returns the elements of a pickled numpy array of one dimension.
func arrayItems(o *pickle.Object) ([]any, error) {
	state, ok := o.State.(pickle.Tuple)
	if !ok || len(state) != 5 {
		return nil, fmt.Errorf("a %s where a list belongs", pickle.KindOf(o))
	}
	if list, ok := state[4].(*pickle.List); ok {
		return list.Items, nil
	}
	kind, size, err := dtype(state[2])
	if err != nil {
		return nil, err
	}
	b, ok := rawBytes(state[4])
	if !ok || size == 0 || len(b)%size != 0 {
		return nil, errors.New("a numpy array without its bytes")
	}
	var list []any
	for ; len(b) > 0; b = b[size:] {
		v, err := element(kind, b[:size])
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
