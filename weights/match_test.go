package weights

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	want := []Spec{{"a", []int{2, 3}}, {"b", []int{4}}, {"s", []int{}}, {"bn.num_batches_tracked", nil}}
	file := func(arrays ...Array) *File { return &File{Arrays: arrays} }
	a, b, s := Array{Name: "a", Shape: []int{2, 3}}, Array{Name: "b", Shape: []int{4}}, Array{Name: "s"}
	for _, c := range []struct {
		name string
		file *File
		want string
	}{
		{"all there, in another order", file(s, b, a), ""},
		{"counters do not count", file(a, b, s, Array{Name: "x.num_batches_tracked"}), ""},
		{"missing", file(a, s), `1 missing: "b"`},
		{"unexpected", file(a, b, s, Array{Name: "fc.weight"}), `1 unexpected: "fc.weight"`},
		{"shape", file(Array{Name: "a", Shape: []int{3, 2}}, b, s), `1 of another shape: "a" is [3 2] in the file and [2 3] in the network`},
		{"everything", file(Array{Name: "b"}, Array{Name: "z"}), `2 missing: "a", "s"; 1 unexpected: "z"; 1 of another shape: "b" is [] in the file and [4] in the network`},
	} {
		err := Match(want, c.file)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var m *MismatchError
		if !errors.As(err, &m) || !strings.HasSuffix(err.Error(), "; "+c.want) {
			t.Errorf("%s: got %v, want ...%s", c.name, err, c.want)
		}
	}
}

func TestMatchBoundsMessage(t *testing.T) {
	f := &File{}
	for i := range 1000 {
		f.Arrays = append(f.Arrays, Array{Name: fmt.Sprintf("layer%d.%s", i, strings.Repeat("x", 500))})
	}
	err := Match(nil, f)
	var m *MismatchError
	if !errors.As(err, &m) || len(m.Unexpected) != 1000 {
		t.Fatalf("got %v", err)
	}
	if n := len(err.Error()); n > 2000 || !strings.Contains(err.Error(), "and 992 more") {
		t.Errorf("a message of %d bytes: %s", n, err)
	}
}
