package weights

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/pickle"
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

// Kind names the type for an error.
func (*tensorView) Kind() string { return "tensor" }

// Kind names the type for an error.
func (*storage) Kind() string { return "storage" }

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
	roleTensorOf
	roleParameter
	roleFromType
	roleStorage
	roleDType
	roleInert
	roleSet
)

// global is a pickle.Global, as a key of globals.
type global struct{ Module, Name string }

// globals is the whole list of names that a state dict may use. Those that give a
// value are the ones with a role that is not roleInert; the others become objects.
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
		{"fastai.torch_core", "_fa_rebuild_tensor"}:       {kind: roleTensorOf},
		{"fastai2.torch_core", "_fa_rebuild_tensor"}:      {kind: roleTensorOf},
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

// checkGlobal says why a name has no place in a state dict; nil for one on the list.
func checkGlobal(g pickle.Global) error {
	if _, ok := globals[global(g)]; ok {
		return nil
	}
	const advice = `; nothing was run. In Python, save the parameters alone: torch.save(model.state_dict(), "weights.pth")`
	switch {
	case g.Module == "torch._utils" || g.Module == "torch":
		return fmt.Errorf("the file needs %s, a kind of tensor that is not supported (sparse, quantized, complex and float8 are not)", quote(g.String()))
	case len(g.Module) >= 9 && g.Module[:9] == "__torch__":
		return fmt.Errorf("this is a TorchScript program, not a state dict%s", advice)
	}
	return fmt.Errorf("the file asks to import %s, which does not belong in a state dict%s", quote(g.String()), advice)
}

// callGlobal gives the value of calling a listed name; ok is false for the others.
func callGlobal(g pickle.Global, args pickle.Tuple) (v any, ok bool, err error) {
	r, known := globals[global(g)]
	if !known || r.kind == roleInert {
		return nil, false, nil
	}
	if v, ok, err = r.call(args); err != nil {
		err = fmt.Errorf("%s: %w", g, err)
	}
	return v, ok, err
}

func (r role) call(args pickle.Tuple) (v any, ok bool, err error) {
	switch r.kind {
	case roleDict:
		v, err = newDict(args)
	case roleSet:
		v = &pickle.List{}
		if len(args) == 1 {
			if l, ok := args[0].(*pickle.List); ok {
				v = l
			}
		}
	case roleTensor, roleTensorV3:
		v, err = newTensor(args, r.kind == roleTensorV3)
	case roleTensorOf: // (class, arguments of _rebuild_tensor_v2…)
		v, err = newTensor(args[min(1, len(args)):], false)
	case roleParameter:
		if len(args) > 0 {
			if t, ok := args[0].(*tensorView); ok {
				return t, true, nil
			}
		}
		err = errors.New("a parameter is made of something that is not a tensor")
	case roleFromType: // (function, class, its arguments, state)
		if len(args) >= 3 {
			f, ok1 := args[0].(pickle.Global)
			inner, ok2 := args[2].(pickle.Tuple)
			if kind := globals[global(f)].kind; ok1 && ok2 && (kind == roleTensor || kind == roleTensorV3 || kind == roleParameter) {
				return callGlobal(f, inner)
			}
		}
		return nil, false, nil
	default:
		err = fmt.Errorf("it is called with %d arguments, and is not a function", len(args))
	}
	return v, err == nil, err
}

// newDict is OrderedDict(), or OrderedDict([[k, v], ...]) as Python 2 wrote it.
func newDict(args pickle.Tuple) (*pickle.Dict, error) {
	d := &pickle.Dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*pickle.List)
	if !ok || len(args) > 1 {
		return nil, errors.New("its argument is not a list of pairs")
	}
	for _, p := range pairs.Items {
		var kv []any
		switch p := p.(type) {
		case pickle.Tuple:
			kv = p
		case *pickle.List:
			kv = p.Items
		}
		if len(kv) != 2 {
			return nil, errors.New("its argument is not a list of pairs")
		}
		d.Keys, d.Values = append(d.Keys, kv[0]), append(d.Values, kv[1])
	}
	return d, nil
}

// newTensor is _rebuild_tensor(storage, offset, shape, stride, ...); version 3
// has the element type as seventh argument.
func newTensor(args pickle.Tuple, v3 bool) (*tensorView, error) {
	if len(args) < 4 || v3 && len(args) < 7 {
		return nil, fmt.Errorf("%d arguments are too few", len(args))
	}
	s, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("the storage is a %s", pickle.KindOf(args[0]))
	}
	t := &tensorView{storage: s, elem: s.elem}
	if v3 {
		g, ok := args[6].(pickle.Global)
		if r := globals[global(g)]; !ok || r.kind != roleDType {
			return nil, fmt.Errorf("the element type is a %s", pickle.KindOf(args[6]))
		}
		t.elem = globals[global(g)].elem
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
	case pickle.Tuple:
		items = v
	case *pickle.List:
		items = v.Items
	default:
		return nil, fmt.Errorf("a %s where a tuple of integers belongs", pickle.KindOf(v))
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
