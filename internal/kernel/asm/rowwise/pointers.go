package main

import (
	"fmt"
	"strings"
)

// sources says what the pointers of a kernel point to.
func sources(rows, params, masks []int) string {
	var parts []string
	for _, g := range []struct {
		what string
		of   []int
	}{{"rows", rows}, {"c floats for all rows", params}, {"rows of masks", masks}} {
		var names []string
		for _, i := range g.of {
			names = append(names, fmt.Sprintf("p[%d]", i))
		}
		if names != nil {
			parts = append(parts, strings.Join(names, ", ")+": "+g.what)
		}
	}
	return strings.Join(parts, "; ")
}
