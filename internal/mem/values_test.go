package mem

import (
	"sync"
	"sync/atomic"
	"testing"
)

type token struct{ users atomic.Int32 }

func TestGetReturnsWhatPutTook(t *testing.T) {
	type local struct{ n int }
	a := Get[local]()
	a.n = 7
	Put(a)
	if b := Get[local](); b != a || b.n != 7 {
		t.Errorf("Get returned %p %+v, want the value that was put, %p", b, b, a)
	}
	if c := Get[local](); c == a || c.n != 0 {
		t.Errorf("a second Get returned %+v, want a new value", c)
	}
}

func TestTypesAreKeptApart(t *testing.T) {
	type one struct{ n int }
	type other struct{ n int }
	Put(&one{5})
	if o := Get[other](); o.n != 0 {
		t.Errorf("a value of one type came back as another: %+v", o)
	}
}

func TestNobodySharesAValue(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				v := Get[token]()
				if n := v.users.Add(1); n != 1 {
					t.Errorf("%d users of one value", n)
				}
				v.users.Add(-1)
				Put(v)
			}
		})
	}
	wg.Wait()
}

func TestRepeatedUseAllocatesNothing(t *testing.T) {
	type local [64]int
	if n := testing.AllocsPerRun(100, func() {
		a, b := Get[local](), Get[local]()
		Put(a)
		Put(b)
	}); n != 0 {
		t.Errorf("%v allocations for two values taken and put back, want none", n)
	}
}

func BenchmarkGetPut(b *testing.B) {
	type local int
	for b.Loop() {
		Put(Get[local]())
	}
}
