package weights

import (
	"bytes"
	"testing"
)

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
