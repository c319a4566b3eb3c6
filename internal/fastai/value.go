package fastai

import (
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// classOf is the class of an object: its full name, with "fastai" for the package
// before it was called so, and for a class that the file itself describes its name
// alone, with own set.
func classOf(v any) (name string, own bool) {
	if c, ok := pickle.Class(v); ok {
		return fullName(c)
	}
	if o, ok := v.(*pickle.Object); ok {
		if name := ownName(o.Func); name != "" {
			return name, true
		}
	}
	return pickle.KindOf(v), true
}

// fullName is a global's name, and whether it is none of the libraries that fastai
// is made of.
func fullName(g pickle.Global) (name string, own bool) {
	if rest, ok := strings.CutPrefix(g.Module, "fastai2."); ok {
		g.Module = "fastai." + rest
	}
	for _, library := range []string{"fastai", "fastcore", "fasttransform", "torch", "torchvision", "timm", "numpy", "pandas", "PIL", "pathlib", "builtins", "__builtin__", "functools", "operator"} {
		if g.Module == library || strings.HasPrefix(g.Module, library+".") {
			return g.Module + "." + g.Name, false
		}
	}
	return g.Module + "." + g.Name, true
}

// shown cuts a name of the file for an error or a note.
func shown(name string) string {
	const limit = 80
	if r := []rune(name); len(r) > limit {
		name = string(r[:limit]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// described tells whether v is what cloudpickle's function called name made: a
// class or function that the file itself describes.
func described(v any, name string) (*pickle.Object, bool) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, false
	}
	f, ok := o.Func.(pickle.Global)
	return o, ok && strings.HasPrefix(f.Module, "cloudpickle") && f.Name == name
}

// ownName names what cloudpickle describes: _make_skeleton_class(metaclass, name,
// bases, …), _make_function(code, globals, …) with its attributes; "" for anything
// else.
func ownName(v any) string {
	if o, ok := described(v, "_make_skeleton_class"); ok && len(o.Args) > 1 {
		if name, ok := o.Args[1].(string); ok {
			return name
		}
	}
	o, ok := described(v, "_make_function")
	if !ok {
		return ""
	}
	if name, ok := pickle.Attr(o, "__name__").(string); ok {
		return name
	}
	if len(o.Args) > 0 {
		if code, ok := o.Args[0].(*pickle.Object); ok && len(code.Args) > 11 {
			if name, ok := code.Args[11].(string); ok { // co_name
				return name
			}
		}
	}
	return "a function"
}

// moduleOf returns the module of a function that cloudpickle describes, "" for
// anything else.
func moduleOf(v any) string {
	o, ok := described(v, "_make_function")
	if !ok || len(o.Args) < 2 {
		return ""
	}
	globals, _ := o.Args[1].(*pickle.Dict)
	name, _ := globals.Get("__name__").(string)
	return name
}

// method returns the function or its name, and the object or class, of a bound
// method: MethodType(function, self), or getattr(self, name).
func method(v any) (function, self any, ok bool) {
	o, isObject := v.(*pickle.Object)
	if !isObject || len(o.Args) != 2 {
		return nil, nil, false
	}
	if f, ok := o.Func.(pickle.Global); ok && f.Name == "getattr" {
		return o.Args[1], o.Args[0], true
	}
	if t, ok := described(o.Func, "_builtin_type"); ok && len(t.Args) == 1 && t.Args[0] == "MethodType" {
		return o.Args[0], o.Args[1], true
	}
	return nil, nil, false
}

// functionName names a function, a partial one, a method or an object that is
// called like one, as the person who wrote it would.
func functionName(v any) string {
	switch v := v.(type) {
	case pickle.Global:
		name, own := fullName(v)
		if own {
			name = strings.TrimPrefix(name, "__main__.")
		}
		return name
	case *pickle.Object:
		if name := ownName(v); name != "" {
			return name
		}
		if f, self, ok := method(v); ok {
			name, isName := f.(string)
			if !isName {
				name = ownName(f)
			}
			return functionName(self) + "." + name
		}
		if f, _ := pickle.Class(v); f.Name == "partial" && len(v.Args) > 0 {
			if state, ok := v.State.(pickle.Tuple); ok && len(state) == 4 { // function, arguments, …
				if args, ok := state[1].(pickle.Tuple); ok && len(args) > 0 && functionName(v.Args[0]) == "fastcore.basics._using_attr" {
					return functionName(args[0])
				}
			}
			return "partial of " + functionName(v.Args[0])
		}
		name, own := classOf(v)
		if own {
			name = strings.TrimPrefix(name, "__main__.")
		}
		return name
	}
	return pickle.KindOf(v)
}

// maxItems bounds the transforms of a pipeline, the loaders and the like: what is
// looked at one by one.
const maxItems = 256

// items returns what a list, a tuple or fastcore's L holds.
func items(v any) ([]any, error) {
	switch v := v.(type) {
	case *pickle.List:
		return v.Items, nil
	case pickle.Tuple:
		return v, nil
	case *pickle.Object:
		switch class, _ := classOf(v); class {
		case "fastcore.foundation.L", "fastai.data.transforms.CategoryMap":
			inner := pickle.Attr(v, "items")
			if o, ok := inner.(*pickle.Object); ok {
				if class, _ := classOf(o); class == "fastcore.foundation.L" { // of one depth more
					inner = pickle.Attr(o, "items")
				}
			}
			switch inner := inner.(type) {
			case *pickle.List:
				return inner.Items, nil
			case pickle.Tuple:
				return inner, nil
			case *pickle.Object:
				return arrayItems(inner)
			}
		case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
			return arrayItems(v)
		}
	}
	return nil, fmt.Errorf("a %s where a list belongs", pickle.KindOf(v))
}

// few is items with at most maxItems.
func few(what string, v any) ([]any, error) {
	list, err := items(v)
	if err == nil && len(list) > maxItems {
		err = fmt.Errorf("%d of them, the limit is %d", len(list), maxItems)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// integer returns an int, of Python or numpy, or an enumeration's.
func integer(v any) (int, bool) {
	if o, ok := v.(*pickle.Object); ok {
		if class, _ := classOf(o); class == "PIL.Image.Resampling" && len(o.Args) == 1 {
			v = o.Args[0]
		} else if x, err := scalar(o); err == nil {
			v = x
		}
	}
	n, ok := v.(int64)
	return int(n), ok
}

// number returns a float or int, of Python or numpy.
func number(v any) (float64, bool) {
	if o, ok := v.(*pickle.Object); ok {
		if x, err := scalar(o); err == nil {
			v = x
		}
	}
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// pair returns the two integers of a tuple, or of a fastuple, or one for both.
func pair(v any) (a, b int, ok bool) {
	if n, ok := integer(v); ok {
		return n, n, true
	}
	if o, isObject := v.(*pickle.Object); isObject && len(o.Args) > 0 {
		if class, _ := classOf(o); class == "fastcore.basics.fastuple" {
			v = o.Args[len(o.Args)-1]
		}
	}
	list, err := items(v)
	if err != nil || len(list) != 2 {
		return 0, 0, false
	}
	a, ok1 := integer(list[0])
	b, ok2 := integer(list[1])
	return a, b, ok1 && ok2
}
