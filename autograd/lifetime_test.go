package autograd

import "testing"

// A variable that Keep holds, and one whose sources are gone when its first
// reader comes, stay.
func TestValuesThatAreNotRecomputed(t *testing.T) {
	tp := NewTape(NewArena())
	tp.Record = true
	source, kept, late := tp.New(4), tp.New(4), tp.New(4)
	double := func(v *Variable) {
		Recompute(tp, v, []*Variable{source}, source, func(tp *Tape, dst []float32, source **Variable) {
			for i, s := range tp.Saved(*source) {
				dst[i] = 2 * s
			}
		})
	}
	double(kept)
	double(late)
	kept.Keep = true
	kept.save()
	tp.Free(kept)
	if kept.Value == nil {
		t.Error("Free dropped a variable with Keep set")
	}
	tp.unsave(kept)
	tp.Free(source)
	if source.Value != nil {
		t.Error("a source without readers was not given back")
	}
	late.save()
	tp.Free(late)
	if late.Value == nil {
		t.Error("a variable was dropped whose source is gone")
	}
	tp.Reset()
}
