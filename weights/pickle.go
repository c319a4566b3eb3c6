package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// A pickle is a program for a small stack machine, and Python's own reader
// lets it call any function. This reader keeps the stack machine and leaves
// the calling out: what a "global" is and what "calling" it gives are decided
// by the two functions of the unpickler, which know a fixed list of names.
// Opcodes are those of protocols 2 to 5 (Python's pickletools documents them);
// the text opcodes of protocols 0 and 1 are refused, PyTorch never wrote them.

const (
	maxPickleProtocol = 5
	// maxPickleOps bounds the work and, at some 100 bytes an operation, the
	// memory. A ResNet-152 checkpoint with its optimizer's state has 10^5.
	maxPickleOps = 4 << 20
)

// The values on the stack are nil, bool, int64, float64, string, []byte,
// tuple, *list (also for sets), *dict, global, mark, and what the unpickler's
// functions return.
type (
	tuple  []any
	list   struct{ items []any }
	dict   struct{ keys, values []any }
	global struct{ module, name string }
	bigInt struct{ bytes []byte } // a long of more than 8 bytes, little-endian
)

func (g global) String() string { return g.module + "." + g.name }

// unpickler runs pickles that follow each other in buf.
type unpickler struct {
	buf []byte
	pos int

	// find is asked about each global, before anything is done with it.
	find func(g global) error
	// call applies a global that find accepted.
	call func(g global, args tuple) (any, error)
	// persistent resolves a persistent id; nil when there are none.
	persistent func(id any) (any, error)

	ops   int
	stack []any
	marks []int // indexes into stack, oldest first
	memo  map[uint32]any
}

// errTruncated is the error for bytes that are missing at the end; the legacy
// reader, which looks at the first part of a file, then takes more.
type errTruncated struct{ need int }

func (e errTruncated) Error() string {
	return fmt.Sprintf("the pickle ends early (%d more bytes needed): the file is cut short", e.need)
}

// load runs the next pickle and returns its value.
func (u *unpickler) load() (any, error) {
	u.stack, u.marks, u.memo = nil, nil, map[uint32]any{}
	for {
		at := u.pos
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if u.ops++; u.ops > maxPickleOps {
			return nil, fmt.Errorf("the pickle has more than %d operations, too many for a state dict", maxPickleOps)
		}
		if op == '.' { // STOP
			v, err := u.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle byte %d: %w", at, err)
			}
			return v, nil
		}
		if err := u.step(op); err != nil {
			if _, cut := err.(errTruncated); cut {
				return nil, err
			}
			return nil, fmt.Errorf("pickle byte %d: %w", at, err)
		}
	}
}

// bytes takes the next n bytes of the pickle.
func (u *unpickler) bytes(n uint64) ([]byte, error) {
	if left := uint64(len(u.buf) - u.pos); n > left {
		return nil, errTruncated{need: int(min(n-left, math.MaxInt32))}
	}
	b := u.buf[u.pos : u.pos+int(n)]
	u.pos += int(n)
	return b, nil
}

func (u *unpickler) byte() (byte, error) {
	b, err := u.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// uint takes a little-endian number of n bytes, at most 8.
func (u *unpickler) uint(n uint64) (uint64, error) {
	b, err := u.bytes(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// counted takes a length of n bytes and then as many bytes.
func (u *unpickler) counted(n uint64) ([]byte, error) {
	length, err := u.uint(n)
	if err != nil {
		return nil, err
	}
	return u.bytes(length)
}

// text is counted for strings.
func (u *unpickler) text(n uint64) (string, error) {
	b, err := u.counted(n)
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("the string %s is not valid UTF-8", quote(string(b)))
	}
	return string(b), err
}

// line takes the bytes up to a line feed; names of globals are written so.
func (u *unpickler) line() (string, error) {
	const limit = 1000
	for i := u.pos; i < len(u.buf); i++ {
		if u.buf[i] == '\n' {
			s := string(u.buf[u.pos:i])
			u.pos = i + 1
			return s, nil
		}
		if i-u.pos > limit {
			return "", fmt.Errorf("a name of more than %d bytes", limit)
		}
	}
	return "", errTruncated{need: 1}
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

// floor is where the items since the last mark begin; nothing below it may be
// popped.
func (u *unpickler) floor() int {
	if n := len(u.marks); n > 0 {
		return u.marks[n-1]
	}
	return 0
}

func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, fmt.Errorf("an operation needs a value and the stack is empty")
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes the items since the last mark, and the mark. The items are a
// copy, so that they can be kept.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, fmt.Errorf("an operation needs a mark and there is none")
	}
	at := u.floor()
	u.marks = u.marks[:len(u.marks)-1]
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

// popN takes n items as a tuple.
func (u *unpickler) popN(n int) (tuple, error) {
	at := len(u.stack) - n
	if at < u.floor() {
		return nil, fmt.Errorf("an operation needs %d values and the stack has %d", n, len(u.stack)-u.floor())
	}
	items := append(tuple(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}
