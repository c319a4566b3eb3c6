package mem

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestBuffers(t *testing.T) {
	b := NewBuffers("test buffers", nil, 0)
	for _, n := range []int{1, 1000, 1024, 1025, 1280, 1281, 5000, 1 << 20, 1<<20 + 1} {
		s := b.Get(n)
		if len(s) != n {
			t.Errorf("Get(%d) has length %d", n, len(s))
		}
		if uintptr(unsafe.Pointer(&s[0]))%Align != 0 {
			t.Errorf("Get(%d) is not aligned to %d bytes", n, Align)
		}
		if size := Class(n); size < n || size > 1024 && size > n+n/4+1 {
			t.Errorf("Get(%d): class of %d floats, want at most a quarter more", n, size)
		}
		before := b.Bytes()
		b.Put(s)
		again := b.Get(n)
		if &again[0] != &s[0] {
			t.Errorf("Get(%d) allocated although a buffer was free", n)
		}
		if now := b.Bytes(); now != before {
			t.Errorf("%d bytes held, %d before a buffer came back and went out again", now, before)
		}
		b.Put(again)
	}
}

// TestBuffersKeep gives back more buffers than are to be kept, and buffers of
// sizes that nobody asks for any more.
func TestBuffersKeep(t *testing.T) {
	exact := func(n int) int { return n }
	b := NewBuffers("test buffers", exact, 2)
	get := func(sizes ...int) {
		var out [][]float32
		for _, n := range sizes {
			out = append(out, b.Get(n))
		}
		for _, s := range out {
			b.Put(s)
		}
	}
	get(100, 100, 100)
	if got := b.Bytes(); got != 2*100*4 {
		t.Errorf("%d bytes held, want those of two buffers, %d", got, 2*100*4)
	}
	for n := 200; n < 300; n++ { // each of another size
		get(n)
	}
	if got, most := b.Bytes(), int64(2*299*4); got > most {
		t.Errorf("%d bytes held after a hundred sizes, want those of two buffers, at most %d", got, most)
	}
	last := b.Get(299)
	p := &last[0]
	b.Put(last)
	if again := b.Get(299); &again[0] != p {
		t.Error("the size that was asked for last is not kept")
	}
}

func TestBuffersAreNotShared(t *testing.T) {
	b := NewBuffers("test buffers", nil, 3)
	var wg sync.WaitGroup
	for id := range 8 {
		wg.Go(func() {
			for i := range 500 {
				s := b.Get(1 + (i*37+id)%3000)
				s[0] = float32(id)
				runtime.Gosched()
				if s[0] != float32(id) {
					t.Errorf("goroutine %d shares a buffer", id)
				}
				b.Put(s)
			}
		})
	}
	wg.Wait()
}

func TestClobber(t *testing.T) {
	b := NewBuffers("test buffers", nil, 0)
	s := b.Get(10)
	s[3] = 1
	Clobber.Store(true)
	defer Clobber.Store(false)
	b.Put(s)
	if v := b.Get(10)[3]; !math.IsNaN(float64(v)) {
		t.Errorf("a buffer that was given back has %v, want NaN", v)
	}
}

// TestHeld checks that an account has the sum of its holders, and goes with them.
func TestHeld(t *testing.T) {
	held := func(name string) int64 {
		for _, a := range Held() {
			if a.Name == name {
				return a.Bytes
			}
		}
		return -1
	}
	const name = "test account"
	a, b := NewBuffers(name, func(n int) int { return n }, 0), NewBuffers(name, func(n int) int { return n }, 0)
	h := NewHeap("test heap")
	a.Put(a.Get(100))
	b.Put(b.Get(50))
	h.Put(h.Get(1000))
	if got := held(name); got != 600 {
		t.Errorf("%d bytes held, want 600", got)
	}
	if got := held("test heap"); got < 4000 || got != h.Bytes() {
		t.Errorf("%d bytes held by the heap, want its %d", got, h.Bytes())
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	runtime.KeepAlive(h)
	a, b, h = nil, nil, nil
	for held(name) != -1 || held("test heap") != -1 { // for ever, when they do not go
		runtime.GC()
		time.Sleep(time.Millisecond) // cleanups run beside
	}
}

func TestBuffersAllocateNothing(t *testing.T) {
	b := NewBuffers("test buffers", nil, 0)
	b.Put(b.Get(5000))
	if n := testing.AllocsPerRun(100, func() { b.Put(b.Get(5000)) }); n != 0 {
		t.Errorf("%v allocations for a buffer taken and put back, want none", n)
	}
}
