package weights

import (
	"bytes"
	"reflect"
	"testing"
)

// Each operation by itself; the bytes are those of Python's pickletools.
func TestPickleOperations(t *testing.T) {
	bigBytes := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
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
		{"LONG1 of 9 bytes", "\x8a\x09" + string(bigBytes), bigInt{bigBytes}},
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
		{"EMPTY_TUPLE", ")", tuple{}},
		{"TUPLE1", "N\x85", tuple{nil}},
		{"TUPLE2", "K\x01K\x02\x86", tuple{int64(1), int64(2)}},
		{"TUPLE3", "NNN\x87", tuple{nil, nil, nil}},
		{"TUPLE", "(K\x01(K\x02tt", tuple{int64(1), tuple{int64(2)}}},
		{"EMPTY_LIST and APPEND", "]Na", &list{[]any{nil}}},
		{"APPENDS", "](NNe", &list{[]any{nil, nil}}},
		{"LIST", "(NNl", &list{[]any{nil, nil}}},
		{"EMPTY_SET and ADDITEMS", "\x8f(NN\x90", &list{[]any{nil, nil}}},
		{"FROZENSET", "(N\x91", &list{[]any{nil}}},
		{"EMPTY_DICT and SETITEM", "}K\x01Ns", &dict{[]any{int64(1)}, []any{nil}}},
		{"SETITEMS", "}(K\x01NK\x02Nu", &dict{[]any{int64(1), int64(2)}, []any{nil, nil}}},
		{"DICT", "(K\x01Nd", &dict{[]any{int64(1)}, []any{nil}}},
		{"POP", "NK\x010", nil},
		{"POP of a mark", "N(0", nil},
		{"POP_MARK", "N(K\x01K\x021", nil},
		{"DUP", "K\x012\x86", tuple{int64(1), int64(1)}},
		{"BINPUT and BINGET", "K\x01q\x070h\x07", int64(1)},
		{"LONG_BINPUT and LONG_BINGET", "K\x01r\x00\x01\x00\x000j\x00\x01\x00\x00", int64(1)},
		{"MEMOIZE", "K\x05\x94K\x06\x940h\x01\x86", tuple{int64(5), int64(6)}},
		{"PROTO and FRAME", "\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00N", nil},
		{"GLOBAL", "ctorch\nSize\n", global{"torch", "Size"}},
		{"STACK_GLOBAL", "\x8c\x05torch\x8c\x04Size\x93", global{"torch", "Size"}},
		{"REDUCE", "ctorch\nSize\n)R", inert{global{"torch", "Size"}}},
		{"NEWOBJ", "ctorch\nSize\n)\x81", inert{global{"torch", "Size"}}},
		{"NEWOBJ_EX", "ctorch\nSize\n)}\x92", inert{global{"torch", "Size"}}},
		{"BUILD", "}}b", &dict{}},
		{"items into an unknown object", "ctorch\nSize\n)R(NNu", inert{global{"torch", "Size"}}},
	} {
		u := &unpickler{buf: []byte(c.pickle + "."), find: findGlobal, call: callGlobal}
		got, err := u.load()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.name, got, c.want)
		}
		if u.pos != len(u.buf) {
			t.Errorf("%s: %d of %d bytes were read", c.name, u.pos, len(u.buf))
		}
	}
}

// An operation that lacks its operands is an error, whichever it is.
func TestPickleOperationsAlone(t *testing.T) {
	for op := range 256 {
		for _, stack := range []string{"", "N", "(", "(N", "NN(", "}(", "](N"} {
			u := &unpickler{buf: append([]byte(stack), byte(op)), find: findGlobal, call: callGlobal}
			// Only STOP can end well, and it does with one None.
			if v, err := u.load(); err == nil && (op != '.' || v != nil) {
				t.Errorf("%q then %#02x gives %v", stack, op, v)
			}
		}
	}
}

// The pickles of a legacy file may be longer than what is read of it first.
func TestLegacyLongPickle(t *testing.T) {
	long := pStr(string(bytes.Repeat([]byte("x"), 700<<10)))
	tensor := pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), legacyStorage("N"), pInt(0), pInts(1), pInts(1), "\x89", "N")
	b := legacyOf(pkl(pDict(pStr("note"), long, pStr("w"), tensor)), pkl("]("+pStr("0")+"e"), le(8, 1)+"\x00\x00\x80\x3f")
	f, err := readBytes(b)
	if err != nil || f.Arrays[0].F32[0] != 1 {
		t.Fatalf("%v, %v", f, err)
	}
	for _, n := range []int{200 << 10, 300 << 10, 690 << 10} {
		if _, err := readBytes(b[:n]); err == nil {
			t.Errorf("cut at %d: no error", n)
		}
	}
}
