package weights

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// step runs one operation other than STOP. Its cases are grouped as in
// Python's pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.byte()
		if err == nil && v > maxPickleProtocol {
			err = fmt.Errorf("pickle protocol %d, the newest known is %d", v, maxPickleProtocol)
		}
		return err
	case 0x95: // FRAME: a hint of how much to read at once
		_, err := u.bytes(8)
		return err

	case 'N':
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(op == 0x88)
	case 'J', 'K', 'M', 0x8a, 0x8b, 'G':
		return u.number(op)
	case 'X', 0x8c, 0x8d, 'T', 'U', 'B', 'C', 0x8e, 0x96:
		return u.characters(op)

	case '(':
		u.marks = append(u.marks, len(u.stack))
	case '0': // POP, which also takes a mark when that is on top
		if n := len(u.marks); n > 0 && u.marks[n-1] == len(u.stack) {
			u.marks = u.marks[:n-1]
			return nil
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		if err == nil {
			u.push(v)
		}
		return err
	case 'q', 'r', 'h', 'j', 0x94:
		return u.memoize(op)

	case ')', 't', 0x85, 0x86, 0x87, ']', 'l', '}', 'd', 0x8f, 0x91:
		return u.construct(op)
	case 'a', 'e', 's', 'u', 0x90:
		return u.extend(op)
	case 'c', 0x93, 'R', 0x81, 0x92, 'b', 'Q':
		return u.object(op)
	default:
		return fmt.Errorf("unknown or refused pickle operation %#02x", op)
	}
	return nil
}

func (u *unpickler) number(op byte) error {
	switch op {
	case 'J': // BININT
		v, err := u.uint(4)
		u.push(int64(int32(v)))
		return err
	case 'K': // BININT1
		v, err := u.uint(1)
		u.push(int64(v))
		return err
	case 'M': // BININT2
		v, err := u.uint(2)
		u.push(int64(v))
		return err
	case 'G': // BINFLOAT, the only big-endian number
		v, err := u.uint(8)
		u.push(math.Float64frombits(bits.ReverseBytes64(v)))
		return err
	}
	width := uint64(1) // LONG1
	if op == 0x8b {    // LONG4
		width = 4
	}
	b, err := u.counted(width)
	if err != nil {
		return err
	}
	if len(b) > 8 {
		u.push(bigInt{b})
		return nil
	}
	v := int64(0)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	if n := len(b); n > 0 && n < 8 && b[n-1] >= 0x80 { // two's complement
		v -= 1 << (8 * n)
	}
	u.push(v)
	return nil
}

func (u *unpickler) characters(op byte) error {
	var s string
	var b []byte
	var err error
	switch op {
	case 'X': // BINUNICODE
		s, err = u.text(4)
	case 0x8c: // SHORT_BINUNICODE
		s, err = u.text(1)
	case 0x8d: // BINUNICODE8
		s, err = u.text(8)
	case 'T': // BINSTRING: str of Python 2
		s, err = u.text(4)
	case 'U': // SHORT_BINSTRING
		s, err = u.text(1)
	case 'B': // BINBYTES
		b, err = u.counted(4)
		u.push(b)
		return err
	case 'C': // SHORT_BINBYTES
		b, err = u.counted(1)
		u.push(b)
		return err
	default: // BINBYTES8, BYTEARRAY8
		b, err = u.counted(8)
		u.push(b)
		return err
	}
	u.push(s)
	return err
}

func (u *unpickler) memoize(op byte) error {
	width := uint64(1)
	if op == 'r' || op == 'j' { // LONG_BINPUT, LONG_BINGET
		width = 4
	}
	if op == 0x94 { // MEMOIZE
		v, err := u.top()
		if err == nil {
			u.memo[uint32(len(u.memo))] = v
		}
		return err
	}
	key, err := u.uint(width)
	if err != nil {
		return err
	}
	if op == 'q' || op == 'r' {
		v, err := u.top()
		if err == nil {
			u.memo[uint32(key)] = v
		}
		return err
	}
	v, ok := u.memo[uint32(key)]
	if !ok {
		return fmt.Errorf("memo %d is used before it is set", key)
	}
	u.push(v)
	return nil
}

func (u *unpickler) construct(op byte) error {
	switch op {
	case ')':
		u.push(tuple{})
		return nil
	case ']':
		u.push(&list{})
		return nil
	case '}':
		u.push(&dict{})
		return nil
	case 0x8f: // EMPTY_SET
		u.push(&list{})
		return nil
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		t, err := u.popN(int(op) - 0x84)
		u.push(t)
		return err
	}
	items, err := u.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		u.push(tuple(items))
	case 'l', 0x91: // LIST, FROZENSET
		u.push(&list{items})
	case 'd':
		d := &dict{}
		u.push(d)
		return d.add(items)
	}
	return nil
}

// add appends keys and values that alternate in items.
func (d *dict) add(items []any) error {
	if len(items)%2 != 0 {
		return errors.New("a dictionary gets a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		d.keys = append(d.keys, items[i])
		d.values = append(d.values, items[i+1])
	}
	return nil
}

func (u *unpickler) extend(op byte) error {
	var items []any
	var err error
	switch op {
	case 'a': // APPEND
		items, err = u.popN(1)
	case 's': // SETITEM
		items, err = u.popN(2)
	default: // APPENDS, SETITEMS, ADDITEMS
		items, err = u.popMark()
	}
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *list:
		if op == 's' || op == 'u' {
			return errors.New("a key is set in a list")
		}
		t.items = append(t.items, items...)
		return nil
	case *dict:
		if op != 's' && op != 'u' {
			return errors.New("a value without a key is added to a dictionary")
		}
		return t.add(items)
	case inert:
		return nil
	}
	return fmt.Errorf("items are added to a %s", kindOf(target))
}

func (u *unpickler) object(op byte) error {
	switch op {
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushGlobal(module, name)
	case 0x93: // STACK_GLOBAL
		names, err := u.popN(2)
		if err != nil {
			return err
		}
		module, ok1 := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok1 || !ok2 {
			return errors.New("the name of a global is not a string")
		}
		return u.pushGlobal(module, name)
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		if u.persistent == nil {
			return errors.New("a persistent id where none belongs")
		}
		v, err := u.persistent(id)
		u.push(v)
		return err
	case 'b': // BUILD
		return u.build()
	}

	// REDUCE, NEWOBJ, NEWOBJ_EX: each applies a global to a tuple; the
	// keyword arguments of the last are for classes that we do not have.
	if op == 0x92 {
		if _, err := u.pop(); err != nil {
			return err
		}
	}
	pair, err := u.popN(2)
	if err != nil {
		return err
	}
	callee, ok1 := pair[0].(global)
	args, ok2 := pair[1].(tuple)
	if !ok1 || !ok2 {
		return fmt.Errorf("a %s is called with a %s", kindOf(pair[0]), kindOf(pair[1]))
	}
	v, err := u.call(callee, args)
	u.push(v)
	return err
}

func (u *unpickler) pushGlobal(module, name string) error {
	g := global{module, name}
	u.push(g)
	return u.find(g)
}

// build is how Python sets an object's attributes. None matters here: the one
// on a state dict is "_metadata", the versions of its modules.
func (u *unpickler) build() error {
	if _, err := u.pop(); err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	switch target.(type) {
	case *dict, *list, *tensorView, inert:
		return nil
	}
	return fmt.Errorf("attributes are set on a %s", kindOf(target))
}

// kindOf names the type of a value for an error.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "boolean"
	case int64, bigInt:
		return "integer"
	case float64:
		return "float"
	case string:
		return "string"
	case []byte:
		return "bytes"
	case tuple:
		return "tuple"
	case *list:
		return "list"
	case *dict:
		return "dictionary"
	case global:
		return "global " + quote(v.String())
	case *tensorView:
		return "tensor"
	case *storage:
		return "storage"
	case inert:
		return "object of " + quote(v.of.String())
	}
	return fmt.Sprintf("%T", v)
}
