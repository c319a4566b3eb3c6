package pickle

import "fmt"

// The values of a pickle are nil, bool, int64, float64, string, []byte, BigInt, Tuple,
// *List, *Dict, Global, *Object, and what the functions of a Machine return.
type (
	// Tuple is a tuple.
	Tuple []any
	// List is a list, a set or a frozen set.
	List struct{ Items []any }
	// Dict is a dictionary: key i has value i. A key may be there twice; the later
	// one counts, see Get.
	Dict struct{ Keys, Values []any }
	// Global is the name of a class or function of a Python module.
	Global struct{ Module, Name string }
	// BigInt is an integer of more than 8 bytes, little-endian.
	BigInt struct{ Bytes []byte }
)

// Object stands for what Python would have made by calling something. It keeps
// what was called and with what, and nothing was.
type Object struct {
	Func  any   // Global, or an *Object that stands for a class or function which the pickle itself describes
	Args  Tuple // positional arguments
	Named *Dict // keyword arguments, nil for none
	State any   // what BUILD sets: mostly a *Dict of attributes
	Items []any // appended, as to a subclass of list
	Dict  *Dict // set by key, as in a subclass of dict; nil for none
}

// String returns the full name, such as collections.OrderedDict.
func (g Global) String() string { return g.Module + "." + g.Name }

// add appends keys and values that alternate in items.
func (d *Dict) add(items []any) error {
	if len(items)%2 != 0 {
		return fmt.Errorf("a dictionary gets a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		d.Keys = append(d.Keys, items[i])
		d.Values = append(d.Values, items[i+1])
	}
	return nil
}

// maxAttributes bounds in how many keys Get looks, so that looking costs nothing
// much whatever a file holds. No object that is read by name has near so many.
const maxAttributes = 1 << 12

// Get returns the value of the last key that is the string name; nil if there is
// none, or if d is nil or has more than 4096 keys.
func (d *Dict) Get(name string) any {
	if d == nil || len(d.Keys) > maxAttributes {
		return nil
	}
	for i := len(d.Keys) - 1; i >= 0; i-- {
		if d.Keys[i] == name {
			return d.Values[i]
		}
	}
	return nil
}

// Attr returns the attribute called name of an object's state, nil if there is
// none. The state is a dictionary, or a pair of one and another for __slots__.
func Attr(v any, name string) any {
	o, ok := v.(*Object)
	if !ok {
		return nil
	}
	switch s := o.State.(type) {
	case *Dict:
		return s.Get(name)
	case Tuple:
		if len(s) == 2 {
			for _, part := range s {
				if d, ok := part.(*Dict); ok {
					if found := d.Get(name); found != nil {
						return found
					}
				}
			}
		}
	}
	return nil
}

// Class returns the name of the class of which v is an object; ok is false when
// v is none, or its class is described in the pickle itself.
func Class(v any) (class Global, ok bool) {
	o, isObject := v.(*Object)
	if !isObject {
		return Global{}, false
	}
	f, ok := o.Func.(Global)
	if ok && (f.Module == "copyreg" || f.Module == "copy_reg") && len(o.Args) > 0 {
		// _reconstructor(class, base, state), __newobj__(class, …)
		f, ok = o.Args[0].(Global)
	}
	return f, ok
}

// KindOf names the type of a value for an error.
func KindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "boolean"
	case int64, BigInt:
		return "integer"
	case float64:
		return "float"
	case string:
		return "string"
	case []byte:
		return "bytes"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dictionary"
	case Global:
		return "global " + Quote(v.String())
	case *Object:
		if c, ok := Class(v); ok {
			return "object of " + Quote(c.String())
		}
		return "object of a class of its own"
	case interface{ Kind() string }:
		return v.Kind()
	}
	return fmt.Sprintf("%T", v)
}

// Quote shows a string of a file in an error: escaped, and not endless.
func Quote(s string) string {
	const limit = 100
	if len(s) > limit {
		return fmt.Sprintf("%q...", s[:limit])
	}
	return fmt.Sprintf("%q", s)
}
