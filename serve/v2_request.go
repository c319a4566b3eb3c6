package serve

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

// inferRequest is a checked request of the Open Inference Protocol.
type inferRequest struct {
	id      string
	n       int       // batch size
	images  [][]byte  // encoded pictures, or nil
	tensor  []float32 // [n,3,size,size], or nil
	size    int
	outputs []string // names, in the order of the answer
}

// pixels writes picture i of the tensor to dst, [size,size,3].
func (q *inferRequest) pixels(i int, dst []float32) {
	hw := q.size * q.size
	src := q.tensor[i*3*hw : (i+1)*3*hw]
	for p := range hw {
		dst[3*p], dst[3*p+1], dst[3*p+2] = src[p], src[hw+p], src[2*hw+p]
	}
}

// parseInfer reads a request's JSON. size is the side of the network's input,
// limit the largest batch.
func parseInfer(body []byte, size, limit int) (*inferRequest, error) {
	var j struct {
		ID     string `json:"id"`
		Inputs []struct {
			Name     string          `json:"name"`
			Datatype string          `json:"datatype"`
			Shape    []int64         `json:"shape"`
			Data     json.RawMessage `json:"data"`
		} `json:"inputs"`
		Outputs []struct {
			Name string `json:"name"`
		} `json:"outputs"`
	}
	bad := func(format string, args ...any) error {
		return fail(http.StatusBadRequest, "inference", format, args...)
	}
	if err := json.Unmarshal(body, &j); err != nil {
		return nil, bad("the body is no inference request in JSON: %.200s", err)
	}
	if len(j.Inputs) != 1 {
		return nil, bad("%d inputs; give one, either %q or %q", len(j.Inputs), inputImage, inputTensor)
	}
	q := &inferRequest{id: j.ID, size: size}
	in := j.Inputs[0]
	want := "BYTES"
	dims := []int64{0}
	switch in.Name {
	case inputImage:
	case inputTensor:
		want, dims = "FP32", []int64{0, 3, int64(size), int64(size)}
	default:
		return nil, bad("input %.100q; the model has %q and %q", in.Name, inputImage, inputTensor)
	}
	if in.Datatype != want {
		return nil, bad("input %s has datatype %.20q; it takes %s", in.Name, in.Datatype, want)
	}
	if len(in.Shape) != len(dims) || in.Shape[0] < 1 || !slices.Equal(in.Shape[1:], dims[1:]) {
		shape := in.Shape[:min(len(in.Shape), 8)]
		if want == "BYTES" {
			return nil, bad("input %s has shape %v; it takes [N] with N from 1", in.Name, shape)
		}
		return nil, bad("input %s has shape %v; it takes [N,3,%d,%d] with N from 1", in.Name, shape, size, size)
	}
	if in.Shape[0] > int64(limit) {
		return nil, fail(http.StatusRequestEntityTooLarge, "pictures", "a batch of %d, the limit is %d", in.Shape[0], limit)
	}
	q.n = int(in.Shape[0])
	var err error
	if want == "FP32" {
		q.tensor, err = parseFloats(in.Data, q.n*3*size*size)
	} else {
		q.images, err = parseImages(in.Data, q.n)
	}
	if err != nil {
		return nil, bad("input %s: %s", in.Name, err)
	}
	for _, o := range j.Outputs {
		if !slices.Contains([]string{outputProbs, outputLabel, outputClasses}, o.Name) || slices.Contains(q.outputs, o.Name) {
			return nil, bad("output %.100q is unknown or asked for twice; the model has %q, %q and %q", o.Name, outputProbs, outputLabel, outputClasses)
		}
		q.outputs = append(q.outputs, o.Name)
	}
	if q.outputs == nil {
		q.outputs = []string{outputProbs, outputLabel}
	}
	return q, nil
}

func parseImages(data json.RawMessage, n int) ([][]byte, error) {
	var text []string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, errors.New("data must be a list of base64 strings")
	}
	if len(text) != n {
		return nil, errors.New("data has " + strconv.Itoa(len(text)) + " elements, the shape says " + strconv.Itoa(n))
	}
	out := make([][]byte, n)
	for i, t := range text {
		b, err := base64.StdEncoding.DecodeString(t)
		if err != nil {
			return nil, errors.New("element " + strconv.Itoa(i) + " is not base64: " + err.Error())
		}
		out[i] = b
	}
	return out, nil
}

// parseFloats reads the numbers of a JSON array, flat or nested as the protocol
// allows, into n float32. data is well-formed JSON.
func parseFloats(data json.RawMessage, n int) ([]float32, error) {
	// The shortest form of a number and its comma has two bytes, so that n cannot
	// be claimed without sending it.
	if n > (len(data)+1)/2 {
		return nil, errors.New("data is too short for the " + strconv.Itoa(n) + " numbers of the shape")
	}
	if len(data) == 0 || data[0] != '[' {
		return nil, errors.New("data must be an array of numbers")
	}
	out := make([]float32, 0, n)
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '[' || c == ']' || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i++
		case c == '-' || c >= '0' && c <= '9':
			start := i
			for i < len(data) && (data[i] == '-' || data[i] == '+' || data[i] == '.' || data[i] == 'e' || data[i] == 'E' || data[i] >= '0' && data[i] <= '9') {
				i++
			}
			if len(out) == n {
				return nil, errors.New("data has more than the " + strconv.Itoa(n) + " numbers of the shape")
			}
			v, err := strconv.ParseFloat(string(data[start:i]), 32)
			if err != nil {
				return nil, errors.New("number " + strconv.Itoa(len(out)) + " does not fit float32")
			}
			out = append(out, float32(v))
		default:
			return nil, errors.New("data must hold numbers only")
		}
	}
	if len(out) != n {
		return nil, errors.New("data has " + strconv.Itoa(len(out)) + " numbers, the shape says " + strconv.Itoa(n))
	}
	return out, nil
}
