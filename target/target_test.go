package target

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/tensor"
)

// forms are the same four items in both forms.
func forms() (class, values Targets) {
	return Classes([]int{2, 0, 1, 2}), Targets{Values: tensor.FromSlice([]float32{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1}, 4, 3)}
}

func TestForms(t *testing.T) {
	class, values := forms()
	for what, y := range map[string]Targets{"class": class, "values": values} {
		if !y.Known() || y.Len() != 4 || y.Slice(1, 3).Len() != 2 {
			t.Errorf("%s: known %v, length %d, slice %d; want true, 4, 2", what, y.Known(), y.Len(), y.Slice(1, 3).Len())
		}
		if !y.Equal(0, 3) || y.Equal(0, 1) {
			t.Errorf("%s: items 0 and 3 are alike, 0 and 1 are not", what)
		}
		got := y.Gather([]int{3, 1})
		if got.Len() != 2 || !reflect.DeepEqual(got.Append(y.Gather([]int{2})), y.Gather([]int{3, 1, 2})) {
			t.Errorf("%s: gathering in two parts differs from gathering at once", what)
		}
		if !reflect.DeepEqual(Targets{}.Append(y.Slice(0, 1)).Append(y.Slice(1, 4)), y) {
			t.Errorf("%s: the parts appended are not the whole", what)
		}
	}
	if got := class.Gather([]int{3, 1}).Class; !reflect.DeepEqual(got, []int{2, 0}) {
		t.Errorf("gathered classes %v, want [2 0]", got)
	}
	if got := values.Gather([]int{2}).Row(0); !reflect.DeepEqual(got, []float32{0, 1, 0}) {
		t.Errorf("gathered row %v, want [0 1 0]", got)
	}
	var none Targets
	if none.Known() || none.Len() != 0 || none.Gather([]int{5}).Known() {
		t.Error("no targets are known, and gathering them gives some")
	}
	if !Classes([]int{}).Known() {
		t.Error("the targets of no items are known")
	}
}

func TestMix(t *testing.T) {
	class, values := forms()
	perm, lambda := []int{1, 0, 3, 3}, []float32{0.75, 1, 0.5, 0.6}
	m := class.Mix(perm, lambda)
	if !reflect.DeepEqual(m, Targets{Class: []int{2, 0, 1, 2}, Other: []int{0, 2, 2, 2}, Lambda: lambda}) {
		t.Errorf("mixed classes %+v", m)
	}
	if s := m.Slice(2, 3); s.Other[0] != 2 || s.Lambda[0] != 0.5 {
		t.Errorf("slice of mixed classes %+v", s)
	}
	want := []float32{0.25, 0, 0.75, 1, 0, 0, 0, 0.5, 0.5, 0, 0, 1}
	if got := values.Mix(perm, lambda).Values.Data; !reflect.DeepEqual(got, want) {
		t.Errorf("mixed rows %v, want %v", got, want)
	}
	if _, before := forms(); !reflect.DeepEqual(values, before) {
		t.Error("mixing changed the targets it was given")
	}
}

func TestChecks(t *testing.T) {
	class, values := forms()
	bad := values.Gather([]int{0, 1, 2, 3})
	bad.Values.Data[4] = float32(math.NaN())
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"rows for classes", values.CheckClasses(4, 3), "made for another task"},
		{"classes for rows", class.CheckValues(4, 3), "made for another one"},
		{"too few", class.CheckClasses(5, 3), "4 targets for 5 rows"},
		{"out of range", class.CheckClasses(4, 2), "targets[0] is 2, but there are 2 classes"},
		{"another shape", values.CheckValues(4, 2), "[4 3]"},
		{"NaN", bad.CheckValues(4, 3), "target 1 of item 1 is NaN"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, c.err, c.want)
		}
	}
	if err := class.CheckClasses(4, 3); err != nil {
		t.Error(err)
	}
	if err := values.CheckValues(4, 3); err != nil {
		t.Error(err)
	}
}
