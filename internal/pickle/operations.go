package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// step runs one operation other than STOP. Its cases are grouped as in
// Python's pickletools.
func (u *Machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.byte()
		if err == nil && v > MaxProtocol {
			err = fmt.Errorf("pickle protocol %d, the newest known is %d", v, MaxProtocol)
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

func (u *Machine) number(op byte) error {
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
		u.push(BigInt{b})
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

func (u *Machine) characters(op byte) error {
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

func (u *Machine) memoize(op byte) error {
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

func (u *Machine) construct(op byte) error {
	switch op {
	case ')':
		u.push(Tuple{})
		return nil
	case ']':
		u.push(&List{})
		return nil
	case '}':
		u.push(&Dict{})
		return nil
	case 0x8f: // EMPTY_SET
		u.push(&List{})
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
		u.push(Tuple(items))
	case 'l', 0x91: // LIST, FROZENSET
		u.push(&List{items})
	case 'd':
		d := &Dict{}
		u.push(d)
		return d.add(items)
	}
	return nil
}

func (u *Machine) extend(op byte) error {
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
	case *List:
		if op == 's' || op == 'u' {
			return errors.New("a key is set in a list")
		}
		t.Items = append(t.Items, items...)
		return nil
	case *Dict:
		if op != 's' && op != 'u' {
			return errors.New("a value without a key is added to a dictionary")
		}
		return t.add(items)
	case *Object:
		if op == 's' || op == 'u' {
			if t.Dict == nil {
				t.Dict = &Dict{}
			}
			return t.Dict.add(items)
		}
		t.Items = append(t.Items, items...)
		return nil
	}
	return fmt.Errorf("items are added to a %s", KindOf(target))
}

func (u *Machine) object(op byte) error {
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
		u.pushGlobal(module, name)
		return nil
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
		u.pushGlobal(module, name)
		return nil
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		if u.Persistent == nil {
			return errors.New("a persistent id where none belongs")
		}
		v, err := u.Persistent(id)
		u.push(v)
		return err
	case 'b': // BUILD
		return u.build()
	}

	// REDUCE, NEWOBJ, NEWOBJ_EX: each applies something to a tuple, the last to
	// keyword arguments too.
	var named *Dict
	if op == 0x92 {
		v, err := u.pop()
		if err != nil {
			return err
		}
		d, ok := v.(*Dict)
		if !ok {
			return fmt.Errorf("the keyword arguments of a call are a %s", KindOf(v))
		}
		named = d
	}
	pair, err := u.popN(2)
	if err != nil {
		return err
	}
	args, ok := pair[1].(Tuple)
	if !ok {
		return fmt.Errorf("a %s is called with a %s", KindOf(pair[0]), KindOf(pair[1]))
	}
	v, err := u.apply(pair[0], args, named)
	u.push(v)
	return err
}

// apply gives what stands for calling f.
func (u *Machine) apply(f any, args Tuple, named *Dict) (any, error) {
	switch f := f.(type) {
	case Global:
		if u.Call != nil {
			if v, ok, err := u.Call(f, args); ok || err != nil {
				return v, err
			}
		}
		if setsState(f) && len(args) > 1 {
			if o, ok := args[0].(*Object); ok {
				o.State = args[1]
			}
		}
	case *Object:
	default:
		return nil, fmt.Errorf("a %s is called with a %s", KindOf(f), KindOf(args))
	}
	return &Object{Func: f, Args: args, Named: named}, nil
}

// setsState tells whether a function is one with which cloudpickle sets the
// attributes of a class or function that it describes, for want of BUILD.
func setsState(f Global) bool {
	return (f.Module == "cloudpickle.cloudpickle" || f.Module == "cloudpickle.cloudpickle_fast") &&
		(f.Name == "_class_setstate" || f.Name == "_function_setstate")
}

func (u *Machine) pushGlobal(module, name string) {
	g := Global{module, name}
	u.push(g)
	if u.Found != nil {
		u.Found(g)
	}
}

// build is how Python sets an object's attributes. Those of lists, dictionaries
// and tensors are dropped: the one on a state dict is "_metadata", the versions
// of its modules.
func (u *Machine) build() error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *Object:
		t.State = state
		return nil
	case nil, bool, int64, float64, string, []byte, BigInt, Tuple, Global:
		return fmt.Errorf("attributes are set on a %s", KindOf(target))
	}
	return nil
}
