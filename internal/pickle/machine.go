package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxOps bounds the operations of a Machine's pickles: the work and, at some 100
// bytes an operation, the memory. A ResNet-152 checkpoint with its optimizer's
// state has 10^5.
const MaxOps = 4 << 20

// MaxProtocol is the newest protocol that is read.
const MaxProtocol = 5

// Machine runs pickles that follow each other in Buf.
type Machine struct {
	Buf []byte
	Pos int // in Buf, of the next operation

	// Found is told each global, before anything is done with it; nil for nobody.
	Found func(g Global)
	// Call gives the value of calling f. ok is false for what it does not know,
	// which becomes an Object; nil knows nothing.
	Call func(f Global, args Tuple) (v any, ok bool, err error)
	// Persistent resolves a persistent id; nil when there are none.
	Persistent func(id any) (any, error)

	ops   int
	stack []any
	marks []int // indexes into stack, oldest first
	memo  map[uint32]any
}

// Truncated is the error for bytes that are missing at the end.
type Truncated struct{ need int }

// Error says how many bytes are missing at least.
func (e Truncated) Error() string {
	return fmt.Sprintf("the pickle ends early (%d more bytes needed): the file is cut short", e.need)
}

// Load runs the next pickle and returns its value.
func (u *Machine) Load() (any, error) {
	u.stack, u.marks, u.memo = nil, nil, map[uint32]any{}
	for {
		at := u.Pos
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if u.ops++; u.ops > MaxOps {
			return nil, fmt.Errorf("the pickle has more than %d operations, too many for a network", MaxOps)
		}
		if op == '.' { // STOP
			v, err := u.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle byte %d: %w", at, err)
			}
			return v, nil
		}
		if err := u.step(op); err != nil {
			if _, cut := err.(Truncated); cut {
				return nil, err
			}
			return nil, fmt.Errorf("pickle byte %d: %w", at, err)
		}
	}
}

// bytes takes the next n bytes of the pickle.
func (u *Machine) bytes(n uint64) ([]byte, error) {
	if left := uint64(len(u.Buf) - u.Pos); n > left {
		return nil, Truncated{need: int(min(n-left, math.MaxInt32))}
	}
	b := u.Buf[u.Pos : u.Pos+int(n)]
	u.Pos += int(n)
	return b, nil
}

func (u *Machine) byte() (byte, error) {
	b, err := u.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// uint takes a little-endian number of n bytes, at most 8.
func (u *Machine) uint(n uint64) (uint64, error) {
	b, err := u.bytes(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// counted takes a length of n bytes and then as many bytes.
func (u *Machine) counted(n uint64) ([]byte, error) {
	length, err := u.uint(n)
	if err != nil {
		return nil, err
	}
	return u.bytes(length)
}

// text is counted for strings.
func (u *Machine) text(n uint64) (string, error) {
	b, err := u.counted(n)
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("the string %s is not valid UTF-8", Quote(string(b)))
	}
	return string(b), err
}

// line takes the bytes up to a line feed; names of globals are written so.
func (u *Machine) line() (string, error) {
	const limit = 1000
	for i := u.Pos; i < len(u.Buf); i++ {
		if u.Buf[i] == '\n' {
			s := string(u.Buf[u.Pos:i])
			u.Pos = i + 1
			return s, nil
		}
		if i-u.Pos > limit {
			return "", fmt.Errorf("a name of more than %d bytes", limit)
		}
	}
	return "", Truncated{need: 1}
}

func (u *Machine) push(v any) { u.stack = append(u.stack, v) }

// floor is where the items since the last mark begin; nothing below it may be
// popped.
func (u *Machine) floor() int {
	if n := len(u.marks); n > 0 {
		return u.marks[n-1]
	}
	return 0
}

func (u *Machine) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

func (u *Machine) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, fmt.Errorf("an operation needs a value and the stack is empty")
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes the items since the last mark, and the mark. The items are a
// copy, so that they can be kept.
func (u *Machine) popMark() ([]any, error) {
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
func (u *Machine) popN(n int) (Tuple, error) {
	at := len(u.stack) - n
	if at < u.floor() {
		return nil, fmt.Errorf("an operation needs %d values and the stack has %d", n, len(u.stack)-u.floor())
	}
	items := append(Tuple(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}
