package serve

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON in memory value by value, where encoding/json would build
// all of it first: there, two bytes of a hostile request ("[0,0,0,…", "[{},{},…")
// become up to eighty in memory. The scanner allocates nothing that the caller
// does not ask for, and strings are unescaped in place, in the bytes scanned.
type scanner struct {
	b []byte
	i int // of the next byte
}

// maxDepth bounds the nesting of values that nobody reads.
const maxDepth = 64

func (s *scanner) fail(want string) error {
	if s.i >= len(s.b) {
		return fmt.Errorf("it ends early, where %s should be", want)
	}
	return fmt.Errorf("byte %d is %q, where %s should be", s.i, s.b[s.i], want)
}

// peek returns the next byte that is no white space, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept passes over c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.i >= len(s.b) {
		return false
	}
	s.i++
	return true
}

// end checks that nothing follows.
func (s *scanner) end() error {
	if s.peek(); s.i < len(s.b) {
		return s.fail("the end")
	}
	return nil
}

// object calls each with every key of an object; each reads the value. The key
// is valid during the call.
func (s *scanner) object(each func(key []byte) error) error {
	if !s.accept('{') {
		return s.fail("an object")
	}
	if s.accept('}') {
		return nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if !s.accept(':') {
			return s.fail("a colon")
		}
		if err := each(key); err != nil {
			return err
		}
		if s.accept('}') {
			return nil
		}
		if !s.accept(',') {
			return s.fail("a comma or the end of the object")
		}
	}
}

// array calls each for every element of an array; each reads it.
func (s *scanner) array(each func(i int) error) error {
	if !s.accept('[') {
		return s.fail("an array")
	}
	if s.accept(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		if s.accept(']') {
			return nil
		}
		if !s.accept(',') {
			return s.fail("a comma or the end of the array")
		}
	}
}

// raw passes over a string and returns it as it stands, without its quotes. It
// reports whether there are escapes.
func (s *scanner) raw() (text []byte, escaped bool, err error) {
	if !s.accept('"') {
		return nil, false, s.fail("a string")
	}
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], escaped, nil
		case c == '\\':
			escaped = true
			s.i++ // whatever follows is no closing quote
		case c < ' ':
			return nil, false, s.fail("no control character")
		}
	}
	return nil, false, s.fail("the end of a string")
}

// str reads a string and unescapes it in place.
func (s *scanner) str() ([]byte, error) {
	text, escaped, err := s.raw()
	if err != nil || !escaped {
		return text, err
	}
	out := text[:0] // never overtakes: every escape is longer than what it means
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			out = append(out, text[i])
			i++
			continue
		}
		switch c := text[i+1]; c { // raw saw a byte after every backslash
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := unit(text[i:])
			if !ok {
				return nil, errors.New("a string has \\u without four hexadecimal digits")
			}
			i += 6
			if utf16.IsSurrogate(r) {
				second, ok := unit(text[i:])
				if r = utf16.DecodeRune(r, second); !ok || r == utf8.RuneError {
					return nil, errors.New("a string has half of a surrogate pair, \\ud800 to \\udfff alone")
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			return nil, fmt.Errorf("a string has the unknown escape \\%c", c)
		}
		i += 2
	}
	return out, nil
}

// unit reads an escaped UTF-16 code unit, \u and four hexadecimal digits, at the
// beginning of b.
func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number passes over a number and returns its text.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	start := s.i
	digits := func() bool {
		first := s.i
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > first
	}
	at := func(c byte) bool {
		if s.i < len(s.b) && s.b[s.i] == c {
			s.i++
			return true
		}
		return false
	}
	at('-')
	if !at('0') && !digits() {
		return nil, s.fail("a number")
	}
	if at('.') && !digits() {
		return nil, s.fail("a digit")
	}
	if at('e') || at('E') {
		if !at('+') {
			at('-')
		}
		if !digits() {
			return nil, s.fail("a digit")
		}
	}
	return s.b[start:s.i], nil
}

// integer reads a number that is an integer of 64 bits.
func (s *scanner) integer() (int64, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	var n int64
	if err = strconv.ErrRange; len(text) <= len("-9223372036854775808") {
		n, err = strconv.ParseInt(string(text), 10, 64)
	}
	if err != nil {
		return 0, fmt.Errorf("%.40s is no integer of 64 bits", text)
	}
	return n, nil
}

// boolean reads true or false.
func (s *scanner) boolean() (bool, error) {
	c := s.peek()
	if c != 't' && c != 'f' {
		return false, s.fail("true or false")
	}
	return c == 't', s.skip()
}

// skip passes over any value.
func (s *scanner) skip() error { return s.skipTo(maxDepth) }

func (s *scanner) skipTo(depth int) error {
	if depth == 0 {
		return fmt.Errorf("values are nested more than %d deep", maxDepth)
	}
	switch c := s.peek(); c {
	case '{':
		return s.object(func([]byte) error { return s.skipTo(depth - 1) })
	case '[':
		return s.array(func(int) error { return s.skipTo(depth - 1) })
	case '"':
		_, _, err := s.raw()
		return err
	case 't', 'f', 'n':
		for _, word := range [...]string{"true", "false", "null"} {
			if len(s.b)-s.i >= len(word) && string(s.b[s.i:s.i+len(word)]) == word {
				s.i += len(word)
				return nil
			}
		}
		return s.fail("true, false or null")
	}
	_, err := s.number()
	if err != nil {
		if c := s.peek(); c == 'N' || c == 'I' {
			return fmt.Errorf("byte %d begins NaN or Infinity, which JSON does not have", s.i)
		}
		return s.fail("a value")
	}
	return nil
}
