package command

import "testing"

func TestCountList(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-3,8": 5, "1,3,5-6": 4, "": 0, "x": 0, "0-y": 0} {
		if got := countList(list); got != want {
			t.Errorf("%q lists %d processors, want %d", list, got, want)
		}
	}
}
