package isa

import (
	"github.com/mmcloughlin/avo/reg"
)

// When returns s where on, for names and comments of kernels that come in two
// forms.
func When(on bool, s string) string {
	if on {
		return s
	}
	return ""
}

// Each returns the registers that f makes for 0 to n-1.
func Each(n int, f func(r int) reg.VecVirtual) []reg.VecVirtual {
	var s []reg.VecVirtual
	for r := range n {
		s = append(s, f(r))
	}
	return s
}
