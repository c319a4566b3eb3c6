package kerneltest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Complete fails the test for every kernel that an instruction set of this build
// leaves to plain Go, except those at these places of its structure.
func Complete[K any](t *testing.T, table *isa.Table[K], except ...string) {
	t.Helper()
	for _, s := range isa.InBuild() {
		if s == isa.Generic {
			continue
		}
		k := table.Of(s)
		for _, name := range missing("", reflect.ValueOf(k)) {
			if !slices.Contains(except, name) {
				t.Errorf("%s leaves %s to plain Go", s, name)
			}
		}
	}
}

// missing lists the functions in v that are nil, by the names of their fields.
func missing(name string, v reflect.Value) (names []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			names = append(names, missing(name+"."+v.Type().Field(i).Name, v.Field(i))...)
		}
	case reflect.Array:
		for i := range v.Len() {
			names = append(names, missing(fmt.Sprintf("%s[%d]", name, i), v.Index(i))...)
		}
	case reflect.Func:
		if v.IsNil() {
			names = append(names, name)
		}
	}
	return names
}
