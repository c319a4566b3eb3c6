package serve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
)

// numbers is an FP32 input, [n,3,size,size], where it lies in the request's body.
// Its numbers become float32 one picture at a time, in memory that the network
// reads anyway: all of them would take up to twice the memory of the body, which
// no limit counts.
type numbers struct {
	size  int
	raw   []byte    // little-endian elements; nil: text has them
	first []scanner // at the first number of each picture, in JSON
}

// maxNumber bounds the bytes of a number in JSON. The longest that a float32
// needs has some 150.
const maxNumber = 1000

// elementsOf is the tensor of n pictures whose elements are raw.
func elementsOf(raw []byte, n, size int) (*numbers, error) {
	if want := 4 * n * 3 * size * size; len(raw) != want {
		return nil, fmt.Errorf("%d bytes of binary data; the shape needs %d", len(raw), want)
	}
	return &numbers{size: size, raw: raw}, nil
}

// numbersOf is the tensor of n pictures whose numbers are a JSON array, flat or
// nested as the protocol allows. The array is known to be well formed.
func numbersOf(s *scanner, n, size int) (*numbers, error) {
	if s.peek() != '[' {
		return nil, errors.New("data must be an array of numbers")
	}
	// The shortest form of a number and its comma has two bytes.
	if want := n * 3 * size * size; want > (len(s.b)-s.i)/2 {
		return nil, fmt.Errorf("data is too short for the %d numbers of the shape", want)
	}
	t := &numbers{size: size, first: make([]scanner, 0, n)}
	each := 3 * size * size
	count := 0
	var element func(int) error
	element = func(int) error {
		switch c := s.peek(); {
		case c == '[':
			return s.array(element)
		case c != '-' && (c < '0' || c > '9'):
			return errors.New("data must hold numbers only")
		case count == n*each:
			return fmt.Errorf("data has more than the %d numbers of the shape", n*each)
		}
		if count%each == 0 {
			t.first = append(t.first, *s)
		}
		text, err := s.number()
		if err == nil && len(text) > maxNumber {
			err = fmt.Errorf("number %d has %d digits; the limit is %d", count, len(text), maxNumber)
		}
		count++
		return err
	}
	if err := s.array(element); err != nil {
		return nil, err
	}
	if count != n*each {
		return nil, fmt.Errorf("data has %d numbers, the shape says %d", count, n*each)
	}
	return t, nil
}

// picture writes picture i to dst, [size,size,3].
func (t *numbers) picture(i int, dst []float32) error {
	hw := t.size * t.size
	if t.raw != nil {
		raw := t.raw[4*i*3*hw:]
		for k := range 3 * hw {
			dst[k%hw*3+k/hw] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		}
		return nil
	}
	s := t.first[i]
	for k := range 3 * hw {
		for c := s.peek(); c == ',' || c == '[' || c == ']'; c = s.peek() {
			s.i++
		}
		text, err := s.number()
		if err != nil {
			return err
		}
		v, err := strconv.ParseFloat(string(text), 32)
		if err != nil {
			return fail(http.StatusBadRequest, "inference", "number %d of the tensor, %.40s, does not fit float32", i*3*hw+k, text)
		}
		dst[k%hw*3+k/hw] = float32(v)
	}
	return nil
}
