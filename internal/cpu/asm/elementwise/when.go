package main

import (
	"github.com/mmcloughlin/avo/reg"
)

func when(on bool, s string) string {
	if on {
		return s
	}
	return ""
}

func each(n int, f func(r int) reg.VecVirtual) []reg.VecVirtual {
	var s []reg.VecVirtual
	for r := range n {
		s = append(s, f(r))
	}
	return s
}
