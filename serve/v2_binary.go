package serve

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
)

// The binary tensor data extension of the Open Inference Protocol, as KServe
// and Triton describe it: the JSON of a request or answer is followed by the raw
// elements of tensors, in the order of the tensors, and a header says how many
// bytes the JSON has. Elements are little-endian and row-major; one of BYTES is
// its length, a uint32, and then its bytes, so that pictures need no base64.
const (
	binaryHeader    = "Inference-Header-Content-Length"
	binaryExtension = "binary_tensor_data" // its name in the server's metadata
)

// parameters are those of inputs, outputs and requests.
type parameters struct {
	size    *int64 // binary_data_size of an input: its bytes after the JSON
	data    *bool  // binary_data of an output: send it in this way
	all     bool   // binary_data_output of a request: send all outputs so
	classes int    // classification of an output: this many classes, 0 for tensors
}

// parameters reads an object of parameters, or null. Those not among the names
// that its place has are refused: what they ask for would not be done.
func (s *scanner) parameters(place string, names ...string) (p parameters, err error) {
	if s.peek() == 'n' {
		return p, s.skip()
	}
	var given keys
	err = s.object(func(key []byte) error {
		if err := given.add(key); err != nil {
			return err
		}
		if !slices.ContainsFunc(names, func(name string) bool { return name == string(key) }) {
			if s.peek() == 'n' {
				return s.skip()
			}
			return fail(http.StatusBadRequest, "inference", "the parameter %q of %s is not supported; there are %q", key[:min(len(key), 50)], place, names)
		}
		switch string(key) {
		case "binary_data_size":
			n, err := s.integer()
			p.size = &n
			return err
		case "binary_data":
			v, err := s.boolean()
			p.data = &v
			return err
		case "binary_data_output":
			v, err := s.boolean()
			p.all = v
			return err
		case "classification":
			n, err := s.integer()
			if err == nil && (n < 0 || n > 1<<20) {
				err = fmt.Errorf("classification is %d; it is a number of classes from 1, or 0 for none", n)
			}
			p.classes = int(n)
			return err
		}
		if text, err := s.text(); err != nil || text != "base64" { // content_type
			return fail(http.StatusBadRequest, "inference", "the only content_type of %s is \"base64\"", place)
		}
		return nil
	})
	return p, err
}

// takeRaw reads an input's elements from the binary data, if it says that they
// are there.
func (q *inferRequest) takeRaw(in *inferInput, raw []byte) (binary bool, err error) {
	size := in.parameters.size
	switch {
	case size == nil && len(raw) > 0:
		return false, fmt.Errorf("behind the JSON are %d bytes, but the input has no parameter binary_data_size", len(raw))
	case size == nil:
		return false, nil
	case in.data != nil:
		return true, errors.New("it has data, and binary_data_size too; give one")
	case raw == nil && *size > 0:
		return true, errors.New("binary_data_size is given, but the request has no header " + binaryHeader)
	case *size != int64(len(raw)):
		return true, fmt.Errorf("binary_data_size is %d, behind the JSON are %d bytes", *size, len(raw))
	case in.datatype == "FP32":
		q.tensor, err = elementsOf(raw, q.n, q.size)
	default:
		q.images, err = rawImages(raw, q.n)
	}
	return true, err
}

// cutBody separates a request's JSON from the binary data behind it.
func cutBody(body []byte, header string) (text, raw []byte, err error) {
	if header == "" {
		return body, nil, nil
	}
	n, err := strconv.Atoi(header)
	if err != nil || n < 0 || n > len(body) {
		return nil, nil, fail(http.StatusBadRequest, "inference", "%s is %.30q; the body has %d bytes", binaryHeader, header, len(body))
	}
	return body[:n:n], body[n:], nil
}

// rawImages finds n elements of BYTES, which stay parts of raw.
func rawImages(raw []byte, n int) ([][]byte, error) {
	out := make([][]byte, n)
	for i := range out {
		if len(raw) < 4 {
			return nil, fmt.Errorf("the binary data end before element %d", i)
		}
		size := binary.LittleEndian.Uint32(raw)
		if raw = raw[4:]; uint64(size) > uint64(len(raw)) {
			return nil, fmt.Errorf("element %d has %d bytes by its length, %d are left", i, size, len(raw))
		}
		out[i], raw = raw[:size:size], raw[size:]
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes of binary data are left after %d elements", len(raw), n)
	}
	return out, nil
}

// rawBytes is an output's data as the extension sends them.
func rawBytes(data any) ([]byte, error) {
	var b []byte
	switch data := data.(type) {
	case []float32:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case []string:
		for _, s := range data {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
	default:
		return nil, errors.New("an output is of a type that has no binary form")
	}
	return b, nil
}

// writeInfer answers with outs, those named in raw as binary data.
func writeInfer(w http.ResponseWriter, answer v2Answer, raw map[string]bool) error {
	var tail []byte
	for i := range answer.Outputs {
		o := &answer.Outputs[i]
		if !raw[o.Name] {
			continue
		}
		b, err := rawBytes(o.Data)
		if err != nil {
			return err
		}
		o.Data, o.Parameters = nil, map[string]int{"binary_data_size": len(b)}
		tail = append(tail, b...)
	}
	if tail == nil {
		writeJSON(w, http.StatusOK, answer)
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(binaryHeader, strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(append(text, tail...))
	return nil
}
