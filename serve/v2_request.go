package serve

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// inferRequest is a checked request of the Open Inference Protocol.
type inferRequest struct {
	id      *string         // nil: none was given
	n       int             // batch size
	images  [][]byte        // encoded pictures, or nil
	tensor  *numbers        // numbers of pictures, or nil
	size    int             // of a picture's side
	outputs []string        // names, in the order of the answer
	raw     map[string]bool // outputs to be sent as binary data
	classes int             // of each picture, for probabilities as classification; 0: as a tensor
}

// inferInput is the input of a request as it stands there.
type inferInput struct {
	name, datatype string
	shape          []int64
	parameters     parameters
	data           *scanner // at the data, nil when there are none
}

// maxDims and maxText bound what a request says about its input: numbers of
// the shape, and bytes of its identifier and of names.
const (
	maxDims = 8
	maxText = 1000
)

// parseInfer reads a request's JSON and the binary data that came behind it, nil
// for none. size is the side of the network's input, limit the largest batch.
// Pictures are decoded in place: they are parts of body, which is not the request
// any more afterwards, or of raw. offered are the outputs that the model has. Errors are of type *statusError.
func parseInfer(body, raw []byte, size, limit int, offered []string) (*inferRequest, error) {
	bad := func(format string, args ...any) error {
		return fail(http.StatusBadRequest, "inference", format, args...)
	}
	q := &inferRequest{size: size, raw: map[string]bool{}}
	var in *inferInput
	var all parameters
	s := &scanner{b: bytes.TrimPrefix(body, []byte("\ufeff"))} // which .NET's clients send
	var given keys
	err := s.object(func(key []byte) (err error) {
		if err := given.add(key); err != nil {
			return err
		}
		if s.peek() == 'n' { // null: some clients write what they leave out
			return s.skip()
		}
		switch string(key) {
		case "id":
			id, err := s.text()
			q.id = &id
			return err
		case "inputs":
			return s.array(func(i int) (err error) {
				if i > 0 {
					return bad("more than one input; give one, either %q or %q", inputImage, inputTensor)
				}
				in, err = s.input()
				return err
			})
		case "outputs":
			return s.array(func(int) error {
				name, p, err := s.output()
				if err != nil {
					return err
				}
				if !slices.Contains(offered, name) || slices.Contains(q.outputs, name) {
					return bad("output %.100q is unknown or asked for twice; the model has %s", name, quoted(offered))
				}
				q.outputs = append(q.outputs, name)
				if p.data != nil {
					q.raw[name] = *p.data
				}
				if p.classes > 0 {
					if name != outputProbs {
						return bad("output %s has no classification; %s of classes or labels have", name, outputProbs)
					}
					q.classes = p.classes
				}
				return nil
			})
		case "parameters":
			all, err = s.parameters("the request", "binary_data_output")
			return err
		}
		return s.unknown("a request", key)
	})
	if err == nil {
		err = s.end()
	}
	var se *statusError
	switch {
	case errors.As(err, &se):
		return nil, err
	case err != nil && looksWide(body):
		return nil, bad("the body is in UTF-16 or UTF-32; JSON is sent in UTF-8")
	case err != nil:
		return nil, bad("the body is no inference request in JSON: %.200s", err)
	case in == nil:
		return nil, bad("0 inputs; give one, either %q or %q", inputImage, inputTensor)
	}
	if q.outputs == nil {
		q.outputs = offered
	}
	for _, name := range q.outputs {
		if _, said := q.raw[name]; !said {
			q.raw[name] = all.all
		}
	}
	if err := q.take(in, raw, limit); err != nil {
		if errors.As(err, &se) {
			return nil, err
		}
		return nil, bad("input %s: %s", in.name, err)
	}
	return q, nil
}

// quoted lists names for a person, as "a", "b" and "c".
func quoted(names []string) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = strconv.Quote(n)
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// text reads a short string.
func (s *scanner) text() (string, error) {
	b, err := s.str()
	if err == nil && len(b) > maxText {
		err = fmt.Errorf("a name or identifier has %d bytes; the limit is %d", len(b), maxText)
	}
	if err == nil && !utf8.Valid(b) {
		err = errors.New("a name or identifier is not in UTF-8")
	}
	if err != nil {
		return "", err
	}
	return string(b), nil
}

// input reads an element of "inputs". Where its data
// begin is remembered; take reads them when all keys are known, since those that
// say what the data should be may come after them.
func (s *scanner) input() (*inferInput, error) {
	in := &inferInput{}
	var given keys
	err := s.object(func(key []byte) (err error) {
		if err := given.add(key); err != nil {
			return err
		}
		switch string(key) {
		case "name":
			in.name, err = s.text()
			return err
		case "datatype":
			in.datatype, err = s.text()
			return err
		case "shape":
			in.shape = in.shape[:0]
			return s.array(func(i int) error {
				n, err := s.integer()
				if i == maxDims {
					return fmt.Errorf("the shape of an input has more than %d numbers", maxDims)
				}
				in.shape = append(in.shape, n)
				return err
			})
		case "data":
			in.data = &scanner{b: s.b, i: s.i}
			return s.skip()
		case "parameters":
			in.parameters, err = s.parameters("an input", "binary_data_size", "content_type")
			return err
		}
		return s.unknown("an input", key)
	})
	return in, err
}

// output reads an element of "outputs" and returns its name and parameters.
func (s *scanner) output() (name string, p parameters, err error) {
	var given keys
	err = s.object(func(key []byte) (err error) {
		if err := given.add(key); err != nil {
			return err
		}
		switch string(key) {
		case "name":
			name, err = s.text()
			return err
		case "parameters":
			p, err = s.parameters("an output", "binary_data", "classification")
			return err
		}
		return s.unknown("an output", key)
	})
	return name, p, err
}

// keys are those that an object has had; unknown ones are refused anyhow.
type keys []string

// add refuses a key that is there twice: other programs take the first, or the
// last, and one in between may have checked the other.
func (k *keys) add(key []byte) error {
	if len(key) > 20 || len(*k) > 20 { // more than the protocol has
		return nil
	}
	if slices.Contains(*k, string(key)) {
		return fmt.Errorf("%q is given twice", key)
	}
	*k = append(*k, string(key))
	return nil
}

// looksWide reports whether text is in UTF-16 or UTF-32: one of the first two
// characters of JSON, at least, is of ASCII.
func looksWide(b []byte) bool { return len(b) > 1 && (b[0] == 0 || b[1] == 0 || b[0] >= 0xfe) }

// unknown refuses a key that the protocol does not have in that place, unless
// it says nothing.
func (s *scanner) unknown(place string, key []byte) error {
	if s.peek() == 'n' {
		return s.skip()
	}
	return fail(http.StatusBadRequest, "inference", "%s has no %q in the protocol", place, key[:min(len(key), 50)])
}

// take checks what an input says of itself and reads its data, from the JSON or
// from raw.
func (q *inferRequest) take(in *inferInput, raw []byte, limit int) error {
	bad := func(format string, args ...any) error {
		return fail(http.StatusBadRequest, "inference", format, args...)
	}
	size := int64(q.size)
	want := "BYTES"
	dims := []int64{0}
	switch in.name {
	case inputImage:
	case inputTensor:
		want, dims = "FP32", []int64{0, 3, size, size}
	default:
		return bad("input %.100q; the model has %q and %q", in.name, inputImage, inputTensor)
	}
	if in.datatype != want {
		return bad("input %s has datatype %.20q; it takes %s", in.name, in.datatype, want)
	}
	if want == "BYTES" && len(in.shape) == 2 && in.shape[1] == 1 { // as MLServer's clients write a column
		in.shape = in.shape[:1]
	}
	if len(in.shape) != len(dims) || in.shape[0] < 1 || !slices.Equal(in.shape[1:], dims[1:]) {
		if want == "BYTES" {
			return bad("input %s has shape %v; it takes [N] with N from 1", in.name, in.shape)
		}
		return bad("input %s has shape %v; it takes [N,3,%d,%d] with N from 1", in.name, in.shape, size, size)
	}
	if in.shape[0] > int64(limit) {
		return fail(http.StatusRequestEntityTooLarge, "pictures", "a batch of %d, the limit is %d", in.shape[0], limit)
	}
	q.n = int(in.shape[0])
	if binary, err := q.takeRaw(in, raw); binary || err != nil {
		return err
	}
	if in.data == nil {
		return errors.New("it has no data")
	}
	var err error
	if want == "FP32" {
		q.tensor, err = numbersOf(in.data, q.n, q.size)
	} else {
		q.images, err = parseImages(in.data, q.n)
	}
	return err
}

// parseImages reads an array of n base64 strings, flat or nested, decoding them in
// place. The array is known to be well formed.
func parseImages(s *scanner, n int) ([][]byte, error) {
	out := make([][]byte, 0, n)
	if s.peek() != '[' {
		return nil, errors.New("data must be a list of base64 strings")
	}
	var element func(int) error
	element = func(int) error {
		if s.peek() == '[' {
			return s.array(element)
		}
		if len(out) == n {
			return fmt.Errorf("data has more than %d elements, the shape says %d", n, n)
		}
		if s.peek() != '"' {
			return errors.New("data must be a list of base64 strings")
		}
		t, err := s.str()
		if err != nil {
			return err
		}
		b, err := base64InPlace(t)
		if err != nil {
			return fmt.Errorf("element %d is not base64: %w", len(out), err)
		}
		out = append(out, b)
		return nil
	}
	if err := s.array(element); err != nil {
		return nil, err
	}
	if len(out) != n {
		return nil, fmt.Errorf("data has %d elements, the shape says %d", len(out), n)
	}
	return out, nil
}

// base64InPlace decodes standard base64 into the memory where it stands, so
// that a picture is never there twice. What is written has always been read
// before, as four bytes become three at most.
func base64InPlace(b []byte) ([]byte, error) {
	if end := bytes.IndexByte(b, '='); end >= 0 && len(bytes.Trim(b[end:], "=\r\n")) > 0 {
		return nil, base64.CorruptInputError(end) // the decoder of streams would go on
	}
	var part [4096]byte
	r := base64.NewDecoder(base64.StdEncoding, bytes.NewReader(b))
	for n := 0; ; {
		k, err := r.Read(part[:])
		n += copy(b[n:], part[:k])
		if errors.Is(err, io.EOF) {
			return b[:n:n], nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it ends early, or its padding (=) is missing")
		}
		if err != nil {
			return nil, err
		}
	}
}
