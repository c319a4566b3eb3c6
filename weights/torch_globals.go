package weights

import (
	"errors"
	"fmt"
)

// tensorView is a view of a storage: element (i,j,...) is at offset +
// i*stride[0] + j*stride[1] + ... of it, counted in elements.
type tensorView struct {
	storage *storage
	elem    *element
	offset  int64
	shape   []int64
	stride  []int64
}

// storage is a run of numbers elsewhere in the file.
type storage struct {
	key  string
	elem *element // nil for an untyped storage, counted in bytes
	// view is what a legacy file adds to tensorView.offset for a storage that is
	// a window of the stored one, in elements.
	view int64
}

// inert stands for an object of a class that is known to turn up beside a
// state dict; nothing of it is kept.
type inert struct{ of global }

// role is what a global is to us.
type role struct {
	kind roleKind
	elem *element
}

type roleKind uint8

const (
	roleDict roleKind = iota
	roleTensor
	roleTensorV3
	roleParameter
	roleFromType
	roleStorage
	roleDType
	roleInert
	roleSet
)

// globals is the whole list of names that a checkpoint may use.
var globals = func() map[global]role {
	m := map[global]role{
		{"collections", "OrderedDict"}:                    {kind: roleDict},
		{"torch._utils", "_rebuild_tensor"}:               {kind: roleTensor},
		{"torch._utils", "_rebuild_tensor_v2"}:            {kind: roleTensor},
		{"torch._utils", "_rebuild_tensor_v3"}:            {kind: roleTensorV3},
		{"torch._utils", "_rebuild_parameter"}:            {kind: roleParameter},
		{"torch._utils", "_rebuild_parameter_with_state"}: {kind: roleParameter},
		{"torch.nn.parameter", "Parameter"}:               {kind: roleParameter},
		{"torch.nn.parameter", "Buffer"}:                  {kind: roleParameter},
		{"torch.autograd.variable", "Variable"}:           {kind: roleParameter}, // PyTorch 0.3
		{"torch._tensor", "_rebuild_from_type_v2"}:        {kind: roleFromType},
		{"torch", "Tensor"}:                               {kind: roleInert},
		{"torch.storage", "UntypedStorage"}:               {kind: roleStorage},
		{"torch", "UntypedStorage"}:                       {kind: roleStorage},
	}
	types := []struct {
		elem           *element
		storage, dtype string
	}{
		{elemF64, "DoubleStorage", "float64"},
		{elemF32, "FloatStorage", "float32"},
		{elemF16, "HalfStorage", "float16"},
		{elemBF16, "BFloat16Storage", "bfloat16"},
		{elemI64, "LongStorage", "int64"},
		{elemI32, "IntStorage", "int32"},
		{elemI16, "ShortStorage", "int16"},
		{elemI8, "CharStorage", "int8"},
		{elemU8, "ByteStorage", "uint8"},
		{elemBool, "BoolStorage", "bool"},
		{elemU16, "", "uint16"},
		{elemU32, "", "uint32"},
		{elemU64, "", "uint64"},
	}
	for _, t := range types {
		if t.storage != "" {
			m[global{"torch", t.storage}] = role{roleStorage, t.elem}
			m[global{"torch.cuda", t.storage}] = role{roleStorage, t.elem}
		}
		m[global{"torch", t.dtype}] = role{roleDType, t.elem}
	}
	for _, module := range []string{"builtins", "__builtin__"} {
		m[global{module, "set"}] = role{kind: roleSet}
		m[global{module, "frozenset"}] = role{kind: roleSet}
		// complex, bytearray, range and slice carry numbers only.
		for _, name := range []string{"complex", "bytearray", "range", "slice", "object", "int", "float", "str", "bool", "dict", "list", "tuple"} {
			m[global{module, name}] = role{kind: roleInert}
		}
	}
	// Settings and counters that training scripts save beside the weights.
	for _, g := range []global{
		{"argparse", "Namespace"}, {"types", "SimpleNamespace"}, {"copyreg", "_reconstructor"}, {"copy_reg", "_reconstructor"},
		{"collections", "Counter"}, {"collections", "defaultdict"}, {"collections", "deque"},
		{"pathlib", "Path"}, {"pathlib", "PosixPath"}, {"pathlib", "WindowsPath"}, {"datetime", "datetime"}, {"datetime", "timedelta"},
		{"torch", "Size"}, {"torch", "device"}, {"torch", "memory_format"}, {"torch.serialization", "_get_layout"}, {"torch._utils", "_rebuild_device"},
		{"fastcore.foundation", "L"}, // learner.save of fastai, in the optimizer's part
		{"pytorch_lightning.utilities.parsing", "AttributeDict"}, {"lightning.pytorch.utilities.parsing", "AttributeDict"},
		{"lightning_fabric.utilities.data", "AttributeDict"}, {"lightning.fabric.utilities.data", "AttributeDict"},
		{"numpy", "dtype"}, {"numpy", "ndarray"}, {"_codecs", "encode"},
		{"numpy.core.multiarray", "scalar"}, {"numpy.core.multiarray", "_reconstruct"},
		{"numpy._core.multiarray", "scalar"}, {"numpy._core.multiarray", "_reconstruct"},
	} {
		m[g] = role{kind: roleInert}
	}
	return m
}()

// findGlobal refuses every name that is not on the list.
func findGlobal(g global) error {
	if _, ok := globals[g]; ok {
		return nil
	}
	const advice = `; nothing was run. In Python, save the parameters alone: torch.save(model.state_dict(), "weights.pth")`
	switch {
	case g.module == "torch._utils" || g.module == "torch":
		return fmt.Errorf("the file needs %s, a kind of tensor that is not supported (sparse, quantized, complex and float8 are not)", quote(g.String()))
	case len(g.module) >= 9 && g.module[:9] == "__torch__":
		return fmt.Errorf("this is a TorchScript program, not a state dict%s", advice)
	}
	return fmt.Errorf("the file asks to import %s, which does not belong in a state dict%s", quote(g.String()), advice)
}

// callGlobal gives the value of calling a listed name.
func callGlobal(g global, args tuple) (any, error) {
	r, ok := globals[g]
	if !ok {
		return nil, findGlobal(g)
	}
	v, err := r.call(g, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g, err)
	}
	return v, nil
}

func (r role) call(g global, args tuple) (any, error) {
	switch r.kind {
	case roleDict:
		return newDict(args)
	case roleSet:
		if len(args) == 1 {
			if l, ok := args[0].(*list); ok {
				return l, nil
			}
		}
		return &list{}, nil
	case roleTensor, roleTensorV3:
		return newTensor(args, r.kind == roleTensorV3)
	case roleParameter:
		if len(args) > 0 {
			if t, ok := args[0].(*tensorView); ok {
				return t, nil
			}
		}
		return nil, errors.New("a parameter is made of something that is not a tensor")
	case roleFromType: // (function, class, its arguments, state)
		if len(args) >= 3 {
			f, ok1 := args[0].(global)
			inner, ok2 := args[2].(tuple)
			if kind := globals[f].kind; ok1 && ok2 && (kind == roleTensor || kind == roleTensorV3 || kind == roleParameter) && f != g {
				return callGlobal(f, inner)
			}
		}
		return nil, errors.New("a tensor of a derived class is rebuilt in an unknown way")
	case roleInert:
		return inert{g}, nil
	}
	return nil, fmt.Errorf("it is called with %d arguments, and is not a function", len(args))
}

// newDict is OrderedDict(), or OrderedDict([[k, v], ...]) as Python 2 wrote it.
func newDict(args tuple) (*dict, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) > 1 {
		return nil, errors.New("its argument is not a list of pairs")
	}
	for _, p := range pairs.items {
		var kv []any
		switch p := p.(type) {
		case tuple:
			kv = p
		case *list:
			kv = p.items
		}
		if len(kv) != 2 {
			return nil, errors.New("its argument is not a list of pairs")
		}
		if err := d.add(kv); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// newTensor is _rebuild_tensor(storage, offset, shape, stride, ...); version 3
// has the element type as seventh argument.
func newTensor(args tuple, v3 bool) (*tensorView, error) {
	if len(args) < 4 || v3 && len(args) < 7 {
		return nil, fmt.Errorf("%d arguments are too few", len(args))
	}
	s, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("the storage is a %s", kindOf(args[0]))
	}
	t := &tensorView{storage: s, elem: s.elem}
	if v3 {
		g, ok := args[6].(global)
		if r := globals[g]; !ok || r.kind != roleDType {
			return nil, fmt.Errorf("the element type is a %s", kindOf(args[6]))
		}
		t.elem = globals[g].elem
	}
	if t.elem == nil {
		return nil, errors.New("the storage has no element type")
	}
	if t.offset, ok = args[1].(int64); !ok || t.offset < 0 {
		return nil, errors.New("the storage offset is not an integer from 0 up")
	}
	var err error
	if t.shape, err = int64s(args[2]); err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	if t.stride, err = int64s(args[3]); err != nil {
		return nil, fmt.Errorf("stride: %w", err)
	}
	if len(t.shape) != len(t.stride) {
		return nil, fmt.Errorf("shape %v and stride %v have different lengths", t.shape, t.stride)
	}
	return t, nil
}

// int64s converts a tuple of sizes: integers from 0 up.
func int64s(v any) ([]int64, error) {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	default:
		return nil, fmt.Errorf("a %s where a tuple of integers belongs", kindOf(v))
	}
	if len(items) > maxRank {
		return nil, fmt.Errorf("%d dimensions, the limit is %d", len(items), maxRank)
	}
	out := make([]int64, len(items))
	for i, x := range items {
		n, ok := x.(int64)
		if !ok || n < 0 {
			return nil, fmt.Errorf("dimension %d is not an integer from 0 up", i)
		}
		out[i] = n
	}
	return out, nil
}
