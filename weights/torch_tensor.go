package weights

import (
	"fmt"
	"io"
)

// stored is where the bytes of a storage are.
type stored struct {
	r    io.ReaderAt
	base int64 // first byte in r
	size int64 // bytes
}

// budget bounds the memory taken for one PyTorch file. Tensors may share
// storages and have strides of zero, so that a small file can ask for more
// than all memory; a true one needs its own size, or twice that for float16,
// and again for each name under which shared weights appear.
type budget struct{ left, size int64 }

func newBudget(size int64) *budget {
	const floor, factor = 1 << 20, 8
	return &budget{left: floor + min(factor*min(size, 1<<58), 1<<61), size: size}
}

func (b *budget) take(count, size int64) error {
	if count > b.left/size {
		return fmt.Errorf("it would need %d more values of %d bytes, too much for a file of %d bytes: the file is damaged or hostile", count, size, b.size)
	}
	b.left -= count * size
	return nil
}

// read makes a dense row-major array of a tensor whose storage is at s.
func (t *tensorView) read(name string, s stored, limit *budget) (Array, error) {
	a := Array{Name: name, DType: t.elem.dtype}
	count, err := sizeOf(t.shape)
	if err != nil {
		return a, err
	}
	a.Shape = toInts(t.shape)
	first, span, err := t.extent(s.size/int64(t.elem.size), count)
	if err != nil {
		return a, err
	}
	if err := limit.take(int64(count), int64(t.elem.dtype.Size())); err != nil {
		return a, err
	}
	at := s.base + first*int64(t.elem.size)
	if t.dense() || count == 0 {
		return a, t.elem.read(&a, s.r, at, count)
	}
	if err := limit.take(span, int64(t.elem.dtype.Size())); err != nil {
		return a, err
	}
	var window Array
	if err := t.elem.read(&window, s.r, at, int(span)); err != nil {
		return a, err
	}
	switch a.DType {
	case F32:
		a.F32 = gather(window.F32, t.shape, t.stride, count)
	case F64:
		a.F64 = gather(window.F64, t.shape, t.stride, count)
	case I64:
		a.I64 = gather(window.I64, t.shape, t.stride, count)
	case U8:
		a.U8 = gather(window.U8, t.shape, t.stride, count)
	}
	return a, nil
}

// extent returns the first element that the tensor uses of a storage of n
// elements, and how many lie from there to the last one.
func (t *tensorView) extent(n int64, count int) (first, span int64, err error) {
	outside := fmt.Errorf("shape %v with strides %v at offset %d reaches outside its storage of %d elements", t.shape, t.stride, t.offset, n)
	// Each term is compared with n before it is added, so nothing overflows.
	if t.offset > n || t.storage.view > n-t.offset {
		return 0, 0, outside
	}
	first = t.offset + t.storage.view
	if count == 0 {
		return first, 0, nil
	}
	last := first
	for i, d := range t.shape {
		if d > 1 && t.stride[i] > 0 {
			if d-1 > n/t.stride[i] {
				return 0, 0, outside
			}
			last += (d - 1) * t.stride[i]
		}
		if last >= n {
			return 0, 0, outside
		}
	}
	if last >= n {
		return 0, 0, outside
	}
	return first, last - first + 1, nil
}

// dense tells whether the elements follow each other in row-major order.
func (t *tensorView) dense() bool {
	next := int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != next {
			return false
		}
		next *= t.shape[i] // sizeOf has checked the product
	}
	return true
}

// gather copies a strided view of in, from its first element, in row-major
// order.
func gather[T any](in []T, shape, stride []int64, count int) []T {
	out := make([]T, 0, count)
	var walk func(at int64, dim int)
	walk = func(at int64, dim int) {
		if dim == len(shape) {
			out = append(out, in[at])
			return
		}
		for i := int64(0); i < shape[dim]; i++ {
			walk(at+i*stride[dim], dim+1)
		}
	}
	walk(0, 0)
	return out
}
