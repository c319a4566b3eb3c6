package isa

import (
	"reflect"
	"unsafe"
)

// Table is one family of kernels, by instruction set. K is a structure of
// function values, and of data that goes with them (the size of a register
// tile, say); it may hold arrays and structures of these. All its fields are
// exported, so that Add can fill in what a set leaves out.
//
// The zero Table is ready: init functions Add each set's kernels to it. The
// loops that run kernels read Active; it is a pointer to a structure, so that
// a call costs what one through a function value does.
type Table[K any] struct {
	sets   map[*Set]K
	active K
}

// Add states the kernels of s. What is nil or 0 in k is as Generic has it, in
// plain Go; so a set may begin with a single kernel. Generic leaves out what its
// callers look for before they call it.
func (t *Table[K]) Add(s *Set, k K) {
	if t.sets == nil {
		t.sets = make(map[*Set]K)
		followers = append(followers, t.follow)
	}
	t.sets[s] = k
	t.follow()
}

// Active returns the kernels of the set in use.
func (t *Table[K]) Active() *K { return &t.active }

// Of returns what s itself has, nothing filled in, for tests.
func (t *Table[K]) Of(s *Set) K { return t.sets[s] }

// follow makes the kernels of the set in use the active ones.
func (t *Table[K]) follow() {
	t.active = t.sets[active]
	generic := t.sets[Generic]
	fill(reflect.ValueOf(&t.active).Elem(), reflect.ValueOf(&generic).Elem())
}

// fill sets what is zero in k to what it is in generic.
func fill(k, generic reflect.Value) {
	switch k.Kind() {
	case reflect.Struct:
		for i := range k.NumField() {
			fill(k.Field(i), generic.Field(i))
		}
	case reflect.Array:
		for i := range k.Len() {
			fill(k.Index(i), generic.Index(i))
		}
	default:
		if k.IsZero() {
			k.Set(generic)
		}
	}
}

// Arg returns p, hidden from escape analysis. The compiler cannot see what a
// kernel in a table does with a pointer and would put every argument that is a
// structure on the heap, thousands of times in a training step. Arguments
// given by Arg stay where they are; so a kernel must not keep the pointer, nor
// hand it to another goroutine, once it has returned.
func Arg[T any](p *T) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(nil), uintptr(unsafe.Pointer(p))))
}
