package mem

import "testing"

func TestSlices(t *testing.T) {
	var p Slices[uint8]
	for _, n := range []int{1, 4095, 4096, 4097, 1 << 20} {
		s := p.Get(n)
		if len(s) != n || cap(s)%sliceStep != 0 {
			t.Errorf("Get(%d) has length %d and capacity %d", n, len(s), cap(s))
		}
		p.Put(s)
		// Whatever comes next, it has room; a slice that is too small does not.
		if again := p.Get(n + 1); len(again) != n+1 {
			t.Errorf("Get(%d) has length %d", n+1, len(again))
		}
	}
	p.Put(nil)
}

func TestPool(t *testing.T) {
	type local struct{ n int }
	var p Pool[local]
	v := p.Get()
	if v.n != 0 {
		t.Errorf("the first value is %+v, want a new one", v)
	}
	v.n = 3
	p.Put(v)
	if w := p.Get(); w.n != 0 && w != v {
		t.Errorf("got %+v, want a new value or the one that was put", w)
	}
}
