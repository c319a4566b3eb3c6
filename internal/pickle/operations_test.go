package pickle

import (
	"fmt"
	"reflect"
	"testing"
)

// Each operation by itself; the bytes are those of Python's pickletools.
func TestPickleOperations(t *testing.T) {
	bigBytes := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
	size := Global{"torch", "Size"}
	for _, c := range []struct {
		name, pickle string
		want         any
	}{
		{"NONE", "N", nil},
		{"NEWTRUE", "\x88", true},
		{"NEWFALSE", "\x89", false},
		{"BININT", "J\xfe\xff\xff\xff", int64(-2)},
		{"BININT1", "K\xff", int64(255)},
		{"BININT2", "M\x01\x02", int64(513)},
		{"LONG1, empty", "\x8a\x00", int64(0)},
		{"LONG1", "\x8a\x02\x00\x80", int64(-32768)},
		{"LONG1, positive", "\x8a\x03\x00\x80\x00", int64(32768)},
		{"LONG1 of 8 bytes", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\xff", int64(-1)},
		{"LONG1 of 9 bytes", "\x8a\x09" + string(bigBytes), BigInt{bigBytes}},
		{"LONG4", "\x8b\x01\x00\x00\x00\xff", int64(-1)},
		{"BINFLOAT", "G\xbf\xf8\x00\x00\x00\x00\x00\x00", -1.5},
		{"BINUNICODE", "X\x02\x00\x00\x00\xc3\xa9", "é"},
		{"SHORT_BINUNICODE", "\x8c\x01a", "a"},
		{"BINUNICODE8", "\x8d\x01\x00\x00\x00\x00\x00\x00\x00a", "a"},
		{"BINSTRING", "T\x01\x00\x00\x00a", "a"},
		{"SHORT_BINSTRING", "U\x01a", "a"},
		{"BINBYTES", "B\x01\x00\x00\x00\xff", []byte{255}},
		{"SHORT_BINBYTES", "C\x01\xff", []byte{255}},
		{"BINBYTES8", "\x8e\x01\x00\x00\x00\x00\x00\x00\x00\xff", []byte{255}},
		{"BYTEARRAY8", "\x96\x01\x00\x00\x00\x00\x00\x00\x00\xff", []byte{255}},
		{"EMPTY_TUPLE", ")", Tuple{}},
		{"TUPLE1", "N\x85", Tuple{nil}},
		{"TUPLE2", "K\x01K\x02\x86", Tuple{int64(1), int64(2)}},
		{"TUPLE3", "NNN\x87", Tuple{nil, nil, nil}},
		{"TUPLE", "(K\x01(K\x02tt", Tuple{int64(1), Tuple{int64(2)}}},
		{"EMPTY_LIST and APPEND", "]Na", &List{[]any{nil}}},
		{"APPENDS", "](NNe", &List{[]any{nil, nil}}},
		{"LIST", "(NNl", &List{[]any{nil, nil}}},
		{"EMPTY_SET and ADDITEMS", "\x8f(NN\x90", &List{[]any{nil, nil}}},
		{"FROZENSET", "(N\x91", &List{[]any{nil}}},
		{"EMPTY_DICT and SETITEM", "}K\x01Ns", &Dict{[]any{int64(1)}, []any{nil}}},
		{"SETITEMS", "}(K\x01NK\x02Nu", &Dict{[]any{int64(1), int64(2)}, []any{nil, nil}}},
		{"DICT", "(K\x01Nd", &Dict{[]any{int64(1)}, []any{nil}}},
		{"POP", "NK\x010", nil},
		{"POP of a mark", "N(0", nil},
		{"POP_MARK", "N(K\x01K\x021", nil},
		{"DUP", "K\x012\x86", Tuple{int64(1), int64(1)}},
		{"BINPUT and BINGET", "K\x01q\x070h\x07", int64(1)},
		{"LONG_BINPUT and LONG_BINGET", "K\x01r\x00\x01\x00\x000j\x00\x01\x00\x00", int64(1)},
		{"MEMOIZE", "K\x05\x94K\x06\x940h\x01\x86", Tuple{int64(5), int64(6)}},
		{"PROTO and FRAME", "\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00N", nil},
		{"GLOBAL", "ctorch\nSize\n", Global{"torch", "Size"}},
		{"STACK_GLOBAL", "\x8c\x05torch\x8c\x04Size\x93", Global{"torch", "Size"}},
		{"REDUCE", "ctorch\nSize\nK\x01\x85R", &Object{Func: size, Args: Tuple{int64(1)}}},
		{"NEWOBJ", "ctorch\nSize\n)\x81", &Object{Func: size, Args: Tuple{}}},
		{"NEWOBJ_EX", "ctorch\nSize\n)}K\x01Ns\x92", &Object{Func: size, Args: Tuple{}, Named: &Dict{[]any{int64(1)}, []any{nil}}}},
		{"BUILD", "}}b", &Dict{}},
		{"BUILD of an object", "ctorch\nSize\n)RK\x01b", &Object{Func: size, Args: Tuple{}, State: int64(1)}},
		{"items into an object", "ctorch\nSize\n)R(NNe", &Object{Func: size, Args: Tuple{}, Items: []any{nil, nil}}},
		{"keys into an object", "ctorch\nSize\n)R(NNu", &Object{Func: size, Args: Tuple{}, Dict: &Dict{[]any{nil}, []any{nil}}}},
		{"calling what was called", "ctorch\nSize\n)R)R", &Object{Func: &Object{Func: size, Args: Tuple{}}, Args: Tuple{}}},
		{"a call that is known", "cknown\nname\nK\x01\x85R", "known.name [1]"},
		{"state of a class that cloudpickle describes", "ctorch\nSize\n)Rq\x00ccloudpickle.cloudpickle\n_class_setstate\nh\x00K\x05\x86R0h\x00", &Object{Func: size, Args: Tuple{}, State: int64(5)}},
	} {
		u := &Machine{Buf: []byte(c.pickle + "."), Call: func(f Global, args Tuple) (any, bool, error) {
			return fmt.Sprint(f, args), f.Module == "known", nil
		}}
		got, err := u.Load()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.name, got, c.want)
		}
		if u.Pos != len(u.Buf) {
			t.Errorf("%s: %d of %d bytes were read", c.name, u.Pos, len(u.Buf))
		}
	}
}

// An operation that lacks its operands is an error, whichever it is.
func TestPickleOperationsAlone(t *testing.T) {
	for op := range 256 {
		for _, stack := range []string{"", "N", "(", "(N", "NN(", "}(", "](N"} {
			u := &Machine{Buf: append([]byte(stack), byte(op))}
			// Only STOP can end well, and it does with one None.
			if v, err := u.Load(); err == nil && (op != '.' || v != nil) {
				t.Errorf("%q then %#02x gives %v", stack, op, v)
			}
		}
	}
}
