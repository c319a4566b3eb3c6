package winograd

import (
	"testing"
)

func TestParseWinograd(t *testing.T) {
	for _, c := range []struct {
		value   string
		on, bad bool
	}{{"", true, false}, {"on", true, false}, {"off", false, false}, {"0", true, true}, {"OFF", true, true}} {
		on, err := parseWinograd(c.value)
		if on != c.on || (err != nil) != c.bad {
			t.Errorf("WHIPPET_WINOGRAD=%q: %v, error %v; want %v, error %v", c.value, on, err, c.on, c.bad)
		}
	}
}
