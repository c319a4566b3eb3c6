package weights

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
)

// A few words of pickle, so that hostile ones can be written by hand.

func pkl(parts ...string) string { return "\x80\x02" + strings.Join(parts, "") + "." }

func le(size int, v uint64) string {
	return string(binary.LittleEndian.AppendUint64(nil, v)[:size])
}

func pStr(s string) string          { return "X" + le(4, uint64(len(s))) + s }
func pGlobal(m, n string) string    { return "c" + m + "\n" + n + "\n" }
func pInt(v int64) string           { return "\x8a\x08" + le(8, uint64(v)) }
func pTuple(items ...string) string { return "(" + strings.Join(items, "") + "t" }
func pCall(f string, args ...string) string {
	return f + pTuple(args...) + "R"
}
func pDict(items ...string) string { return "}(" + strings.Join(items, "") + "u" }

// pModule is a network of torch with these members; each is a dictionary.
func pModule(parameters, modules string) string {
	return pGlobal("torch.nn.modules.module", "Module") + ")\x81" + pDict(pStr("_parameters"), parameters, pStr("_buffers"), "}", pStr("_modules"), modules) + "b"
}

func pInts(v ...int64) string {
	items := make([]string, len(v))
	for i, x := range v {
		items[i] = pInt(x)
	}
	return pTuple(items...)
}

// pStorage is a float32 storage by key.
func pStorage(key string) string {
	return pTuple(pStr("storage"), pGlobal("torch", "FloatStorage"), pStr(key), pStr("cpu"), pInt(4)) + "Q"
}

// pTensor is a tensor of storage "0".
func pTensor(offset int64, shape, stride []int64) string {
	return pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), pStorage("0"), pInt(offset), pInts(shape...), pInts(stride...), "\x89", pCall(pGlobal("collections", "OrderedDict")))
}

// zipOf is a checkpoint with this pickle and a storage "0" of four floats.
func zipOf(t testing.TB, pickle string) []byte {
	return zipEntries(t, zip.Store, "m/data.pkl", pickle, "m/data/0", strings.Repeat("\x00\x00\x80\x3f", 4))
}

func zipEntries(t testing.TB, method uint16, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		e, err := w.CreateHeader(&zip.FileHeader{Name: entries[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipDeclaring has an entry whose directory says it has size bytes, and an
// offset; the entry itself is short.
func zipDeclaring(t testing.TB, name string, method uint16, size uint64) []byte {
	t.Helper()
	var packed, b bytes.Buffer
	content := []byte("four")
	if method == zip.Deflate {
		f, err := flate.NewWriter(&packed, 9)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		packed.Write(content)
	}
	compressed := uint64(packed.Len())
	if method == zip.Store {
		compressed = size
	}
	w := zip.NewWriter(&b)
	e, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: method, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: compressed, UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacyOf is a legacy file with this value pickle, key list and what follows.
func legacyOf(value, keys, rest string) []byte {
	magic := "\x8a\x0a" + string(legacyMagic)
	machine := pDict(pStr("little_endian"), "\x88")
	return []byte(pkl(magic) + pkl("M"+le(2, legacyProtocol)) + pkl(machine) + value + keys + rest)
}

func legacyStorage(view string) string {
	return pTuple(pStr("storage"), pGlobal("torch", "FloatStorage"), pStr("0"), pStr("cpu"), pInt(4), view) + "Q"
}

func legacyTensor(storage string) string {
	return pkl(pDict(pStr("w"), pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), storage, pInt(0), pInts(4), pInts(1), "\x89", "N")))
}

func state(tensor string) string { return pkl(pDict(pStr("w"), tensor)) }

// The words above make readable files: otherwise the tests below would pass
// for the wrong reason.
func TestHandMadeFilesAreReadable(t *testing.T) {
	floats := strings.Repeat("\x00\x00\x80\x3f", 4)
	keys := pkl("](" + pStr("0") + "e")
	for name, b := range map[string][]byte{
		"zip":           zipOf(t, state(pTensor(1, []int64{3}, []int64{1}))),
		"zip expanded":  zipOf(t, state(pTensor(1, []int64{3, 2}, []int64{0, 1}))),
		"deflated":      zipEntries(t, zip.Deflate, "data.pkl", state(pTensor(0, []int64{4}, []int64{1})), "data/0", floats),
		"Python 2":      zipOf(t, pkl(pCall(pGlobal("collections", "OrderedDict"), "]("+"](U\x01w"+pTensor(0, []int64{4}, []int64{1})+"e"+"e"))),
		"PyTorch 0.3":   zipOf(t, pkl(pDict("U\x01w", pCall(pGlobal("torch.nn.parameter", "Parameter"), pCall(pGlobal("torch._utils", "_rebuild_tensor"), pStorage("0"), pInt(0), pInts(4), pInts(1)))+pTuple("\x88", "\x89", "N")+"b"))),
		"CUDA":          zipOf(t, strings.Replace(state(pTensor(0, []int64{4}, []int64{1})), "torch\nFloat", "torch.cuda\nFloat", 1)),
		"version 3":     zipOf(t, state(pCall(pGlobal("torch._utils", "_rebuild_tensor_v3"), strings.Replace(pStorage("0"), "torch\nFloatStorage", "torch.storage\nUntypedStorage", 1), pInt(1), pInts(3), pInts(1), "\x89", "N", pGlobal("torch", "float32")))),
		"legacy":        legacyOf(legacyTensor(legacyStorage("N")), keys, le(8, 4)+floats),
		"legacy window": legacyOf(legacyTensor(legacyStorage(pTuple(pStr("1"), pInt(1), pInt(4)))), keys, le(8, 5)+floats+"\x00\x00\x80\x3f"),
	} {
		f, err := readBytes(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range f.Get("w").Float32s() {
			if v != 1 {
				t.Errorf("%s: %v", name, f.Arrays)
			}
		}
	}
}

func TestHostileCheckpoints(t *testing.T) {
	system := pGlobal("os", "system")
	good := pTensor(0, []int64{4}, []int64{1})
	keys := pkl("](" + pStr("0") + "e")
	huge := int64(1) << 62
	laughs := "}q\x00(" + pStr("a") + good + "u" // dictionaries that contain the one before twice
	for i := byte(1); i < 60; i++ {
		laughs += "}q" + string([]byte{i}) + "(" + pStr("a") + "h" + string([]byte{i - 1}) + pStr("b") + "h" + string([]byte{i - 1}) + "u"
	}
	modules := pModule(pDict(pStr("w"), good), "}") + "q\x00" // modules that contain the one before twice
	for i := byte(1); i < 60; i++ {
		modules += pModule("}", pDict(pStr("a"), "h"+string([]byte{i - 1}), pStr("b"), "h"+string([]byte{i - 1}))) + "q" + string([]byte{i})
	}
	deep := pModule(pDict(pStr("w"), good), "}")
	long := deep
	for range 100 {
		deep = pModule("}", pDict(pStr("a"), deep))
	}
	for range 20 {
		long = pModule("}", pDict(pStr(strings.Repeat("a", 100)), long))
	}
	cases := []struct {
		name string
		file []byte
		want string
	}{
		// Networks.
		{"modules without tensors", zipOf(t, pkl(pModule("}", "}"))), "no tensors"},
		{"module in itself", zipOf(t, pkl(pGlobal("torch.nn", "Module")+")\x81q\x00"+pDict(pStr("_parameters"), "}", pStr("_modules"), pDict(pStr("a"), "h\x00"))+"b")), "without end"},
		{"billion laughs of modules", zipOf(t, "\x80\x02"+modules+"."), "more than 1048576 bytes"},
		{"deep modules", zipOf(t, pkl(deep)), "without end"},
		{"long names", zipOf(t, pkl(long)), "more than 1000 bytes"},
		{"number as a name", zipOf(t, pkl(pModule(pDict(pInt(1), good), "}"))), "has a integer for a name"},
		{"text for a module", zipOf(t, pkl(pModule("}", pDict(pStr("a"), pStr("b"))))), "is a string, not a network"},
		{"tensor outside of a module's storage", zipOf(t, pkl(pModule(pDict(pStr("w"), pTensor(3, []int64{4}, []int64{1})), "}"))), "outside"},
		{"shared tensors of modules", zipOf(t, pkl(pModule(pDict(pStr("w"), pTensor(0, []int64{1 << 40}, []int64{0})), "}"))), "too much"},
		{"program that ends in no network", zipOf(t, pkl(pDict(pStr("model"), pModule("}", "}"), pStr("x"), pCall(system, pStr("id"))))), "no tensors"},
		{"attributes of many names", zipOf(t, pkl(pGlobal("torch.nn", "Module")+")\x81}("+strings.Repeat(pStr("_parameters")+"}", 5000)+pStr("_modules")+"}"+"ub")), "torch.nn.Module"},

		// Pickles that call functions.
		{"os.system by REDUCE", zipOf(t, pkl(pCall(system, pStr("touch /tmp/owned")))), `import "os.system"`},
		{"posix.system", zipOf(t, pkl(pCall(pGlobal("posix", "system"), pStr("id")))), "nothing was run"},
		{"eval", zipOf(t, pkl(pCall(pGlobal("builtins", "eval"), pStr("1")))), `"builtins.eval"`},
		{"getattr", zipOf(t, pkl(pCall(pGlobal("builtins", "getattr"), pStr("x"), pStr("y")))), `"builtins.getattr"`},
		{"os.system by STACK_GLOBAL", zipOf(t, pkl(pStr("os")+pStr("system")+"\x93"+pTuple(pStr("id"))+"R")), `"os.system"`},
		{"os.system by INST", zipOf(t, pkl("("+pStr("id")+"ios\nsystem\n")), "refused pickle operation 0x69"},
		{"os.system by OBJ", zipOf(t, pkl("("+system+pStr("id")+"o")), "0x6f"},
		{"OBJ of a listed name", zipOf(t, pkl("("+pGlobal("collections", "OrderedDict")+"o")), "0x6f"},
		{"os.system by NEWOBJ", zipOf(t, pkl(system+pTuple(pStr("id"))+"\x81")), `"os.system"`},
		{"extension registry", zipOf(t, pkl("\x82\x01")), "0x82"},
		{"os.system in a derived tensor", zipOf(t, pkl(pCall(pGlobal("torch._tensor", "_rebuild_from_type_v2"), system, pGlobal("torch", "Tensor"), pTuple(pStr("id")), "N"))), `"os.system"`},
		{"os.system beside good tensors", zipOf(t, pkl(pDict(pStr("w"), good, pStr("x"), pCall(system, pStr("id"))))), `"os.system"`},
		{"os.system as state", zipOf(t, pkl("}"+pCall(system, pStr("id"))+"b")), `"os.system"`},
		{"os.system in a legacy file", []byte(pkl(pCall(system, pStr("id")))), `"os.system"`},
		{"a model", zipOf(t, pkl(pGlobal("torchvision.models.resnet", "ResNet")+")\x81")), "state_dict()"},
		{"TorchScript", zipOf(t, pkl(pGlobal("__torch__.torchvision", "Net")+")\x81")), "TorchScript"},
		{"calling a tensor type", zipOf(t, pkl(pCall(pGlobal("torch", "FloatStorage"), pInt(huge)))), "not a function"},
		{"calling a dictionary", zipOf(t, pkl("})R")), "dictionary is called"},
		{"rebuilding without end", zipOf(t, pkl(pGlobal("torch._tensor", "_rebuild_from_type_v2")+"q\x00("+"h\x00Nh\x00tR")), "not a state dict"},

		// Sizes and strides.
		{"negative shape", zipOf(t, state(pTensor(0, []int64{-4}, []int64{1}))), "from 0 up"},
		{"negative stride", zipOf(t, state(pTensor(3, []int64{4}, []int64{-1}))), "from 0 up"},
		{"negative offset", zipOf(t, state(pTensor(-1, []int64{4}, []int64{1}))), "from 0 up"},
		{"shape past the storage", zipOf(t, state(pTensor(0, []int64{5}, []int64{1}))), "outside"},
		{"offset past the storage", zipOf(t, state(pTensor(5, []int64{0}, []int64{1}))), "outside"},
		{"stride past the storage", zipOf(t, state(pTensor(0, []int64{2}, []int64{4}))), "outside"},
		{"stride overflow", zipOf(t, state(pTensor(0, []int64{3, 3}, []int64{huge, huge}))), "outside"},
		{"offset overflow", zipOf(t, state(pTensor(1<<63-1, []int64{2}, []int64{1}))), "outside"},
		{"shape overflow", zipOf(t, state(pTensor(0, []int64{1 << 32, 1 << 32}, []int64{0, 0}))), "too many"},
		{"expanded to 2^40", zipOf(t, state(pTensor(0, []int64{1 << 40}, []int64{0}))), "too much"},
		{"expanded past the budget", zipOf(t, state(pTensor(0, []int64{300000}, []int64{0}))), "too much"},
		{"shape and stride differ", zipOf(t, state(pTensor(0, []int64{4}, []int64{}))), "different lengths"},
		{"200 dimensions", zipOf(t, state(pTensor(0, make([]int64, 200), make([]int64, 200)))), "200 dimensions"},
		{"size as text", zipOf(t, state(pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), pStorage("0"), pInt(0), pStr("4"), pInts(1)))), "tuple of integers"},
		{"too few arguments", zipOf(t, state(pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), pStorage("0")))), "too few"},
		{"a number as storage", zipOf(t, state(pCall(pGlobal("torch._utils", "_rebuild_tensor_v2"), pInt(1), pInt(0), pInts(4), pInts(1)))), "storage is a integer"},
		{"storage not there", zipOf(t, state(strings.Replace(good, pStr("0"), pStr("../../0"), 1))), `no storage "../../0"`},
		{"storage with another class", zipOf(t, pkl(pTuple(pStr("storage"), pGlobal("collections", "OrderedDict"), pStr("0"), pStr("cpu"), pInt(4))+"Q")), "class"},
		{"name twice", zipOf(t, pkl(pDict(pStr("w"), good, pStr("w"), good))), "two tensors"},
		{"name not text", zipOf(t, pkl(pDict(pInt(1), good))), "integer as name"},
		{"sparse tensor", zipOf(t, pkl(pGlobal("torch._utils", "_rebuild_sparse_tensor"))), "not supported"},

		// The stack machine.
		{"empty pickle", zipOf(t, ""), "ends early"},
		{"stop at once", zipOf(t, "."), "stack is empty"},
		{"protocol 9", zipOf(t, "\x80\x09}."), "protocol 9"},
		{"text of 2^63 bytes", zipOf(t, "\x8d"+le(8, 1<<63)+"."), "ends early"},
		{"text of 2^32-1 bytes", zipOf(t, "X\xff\xff\xff\xff."), "ends early"},
		{"bytes of 2^64-1", zipOf(t, "\x8e"+strings.Repeat("\xff", 8)+"."), "ends early"},
		{"negative long", zipOf(t, "\x8b\xff\xff\xff\xff."), "ends early"},
		{"memo not set", zipOf(t, "h\x05."), "memo 5"},
		{"pop below a mark", zipOf(t, "}("+"s."), "needs 2 values"},
		{"tuple below a mark", zipOf(t, "NN(\x86."), "needs 2 values"},
		{"mark missing", zipOf(t, "t."), "needs a mark"},
		{"key without value", zipOf(t, "}(Nu."), "key without a value"},
		{"append to a string", zipOf(t, pStr("x")+"Na."), "added to a string"},
		{"attributes of a string", zipOf(t, pStr("x")+"}b."), "set on a string"},
		{"endless name", zipOf(t, "c"+strings.Repeat("x", 5000)+"\n"), "more than 1000"},
		{"not UTF-8", zipOf(t, "X\x01\x00\x00\x00\xff."), "UTF-8"},
		{"persistent id in the wrong place", []byte(pkl(pTuple() + "Q")), "persistent id"},
		{"million marks", zipOf(t, strings.Repeat("(", 1<<20)+"."), "stack is empty"},
		{"million nested tuples", zipOf(t, "N"+strings.Repeat("\x85", 1<<20)+"."), "holds a tuple"},
		{"million nested dictionaries", zipOf(t, "}"+strings.Repeat(pStr("model")+"}", 1<<16)+strings.Repeat("s", 1<<16)+"."), "no tensors"},
		{"five million operations", zipOf(t, strings.Repeat("N0", 5<<19)+"."), "more than 4194304 operations"},
		{"dictionary in itself", zipOf(t, "}q\x00"+pStr("model")+"h\x00s."), "no tensors"},
		{"billion laughs", zipOf(t, "\x80\x02"+laughs+"."), "no tensors under"},
		{"no tensors", zipOf(t, pkl(pDict(pStr("epoch"), pInt(3)))), `keys "epoch"`},
		{"two networks", zipOf(t, pkl(pDict(pStr("g"), pDict(pStr("w"), good), pStr("d"), pDict(pStr("w"), good)))), `"g", "d"`},
		{"one tensor", zipOf(t, pkl(good)), "one tensor"},

		// The archive.
		{"no data.pkl", zipEntries(t, zip.Store, "arr_0.npy", "x"), "not a PyTorch checkpoint"},
		{"two pickles", zipEntries(t, zip.Store, "a/data.pkl", "", "b/data.pkl", ""), "two pickles"},
		{"two entries of a name", zipEntries(t, zip.Store, "a/data.pkl", pkl("}"), "a/data.pkl", pkl("}")), "two entries"},
		{"big-endian", zipEntries(t, zip.Store, "a/data.pkl", pkl("}"), "a/byteorder", "big"), "byte order"},
		{"pickle bomb", zipEntries(t, zip.Deflate, "a/data.pkl", strings.Repeat("N", 33<<20)), "the limit is"},
		{"small pickle bomb", zipEntries(t, zip.Deflate, "a/data.pkl", strings.Repeat("N", 20<<20)), "too much"},
		{"storage bomb", zipEntries(t, zip.Deflate, "m/data.pkl", state(good), "m/data/0", strings.Repeat("\x00", 64<<20)), "too much"},
		{"declared 2^63, stored", zipDeclaring(t, "data.pkl", zip.Store, 1<<63), "limit"},
		{"declared 1 MB, stored", zipDeclaring(t, "data.pkl", zip.Store, 1<<20), "does not fit"},
		{"declared 1 MB, deflated", zipDeclaring(t, "data.pkl", zip.Deflate, 1<<20), "unpacking"},
		{"declared less than there is", zipDeclaring(t, "data.pkl", zip.Deflate, 1), "unpacking"},
		{"unknown method", zipDeclaring(t, "data.pkl", 99, 4), "method 99"},

		// Legacy files.
		{"plain pickle", []byte(pkl("}")), "torch.save did not write"},
		{"other protocol", []byte(pkl("\x8a\x0a"+string(legacyMagic)) + pkl("K\x01")), "protocol version 1"},
		{"big-endian legacy", []byte(pkl("\x8a\x0a"+string(legacyMagic)) + pkl("M"+le(2, legacyProtocol)) + pkl(pDict(pStr("little_endian"), "\x89"))), "big-endian"},
		{"whole model in a legacy file", legacyOf(pkl(pTuple(pStr("module"), "N", pStr("file"), pStr("source"))+"Q"), keys, ""), "no tensor"},
		{"negative length", legacyOf(legacyTensor(legacyStorage("N")), keys, le(8, 1<<63)), "does not fit"},
		{"length of 2^61", legacyOf(legacyTensor(legacyStorage("N")), keys, le(8, 1<<61)), "does not fit"},
		{"length past the end", legacyOf(legacyTensor(legacyStorage("N")), keys, le(8, 4)+"abc"), "does not fit"},
		{"length missing", legacyOf(legacyTensor(legacyStorage("N")), keys, "abc"), "file ends before"},
		{"storage twice", legacyOf(legacyTensor(legacyStorage("N")), pkl("]("+pStr("0")+pStr("0")+"e"), le(8, 0)), "stored twice"},
		{"storage of no tensor", legacyOf(legacyTensor(legacyStorage("N")), pkl("]("+pStr("7")+"e"), le(8, 0)), "no tensor"},
		{"storage not listed", legacyOf(legacyTensor(legacyStorage("N")), pkl("]"), ""), "no storage"},
		{"keys not a list", legacyOf(legacyTensor(legacyStorage("N")), pkl("}"), ""), "not a list"},
		{"window past the storage", legacyOf(legacyTensor(legacyStorage(pTuple(pStr("1"), pInt(huge), pInt(4)))), keys, le(8, 0)), "outside"},
		{"window before the storage", legacyOf(legacyTensor(legacyStorage(pTuple(pStr("1"), pInt(-1), pInt(4)))), keys, le(8, 0)), "from 0 up"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var err error
			took, memory := hostile.Cost(func() { _, err = readBytes(c.file) })
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			// Generous for a slow processor; the largest case is 2.5 MB of
			// operations.
			if took > 10*time.Second {
				t.Errorf("it took %v of processor time", took)
			}
			// Every case has less than 6 MB; an operation may cost 100 bytes.
			if limit := uint64(4<<20 + 150*len(c.file)); memory > limit {
				t.Errorf("%d bytes were allocated for a file of %d, more than %d", memory, len(c.file), limit)
			}
		})
	}
}

// Each proper prefix of the pickle, in an archive that is whole.
func TestTruncatedPickle(t *testing.T) {
	pickle := state(pTensor(0, []int64{4}, []int64{1}))
	for n := range len(pickle) {
		if _, err := readBytes(zipOf(t, pickle[:n])); err == nil {
			t.Errorf("no error for the first %d bytes", n)
		}
	}
}

// Sharing is allowed up to a point: ten names for one storage are read, a
// hundred thousand are not.
func TestSharedStorageBudget(t *testing.T) {
	build := func(names int) []byte {
		floats := strings.Repeat("\x00\x00\x80\x3f", 1<<16)
		items := make([]string, 0, 2*names)
		for i := range names {
			items = append(items, pStr(fmt.Sprint("w", i)), pTensor(0, []int64{1 << 16}, []int64{1}))
		}
		return zipEntries(t, zip.Store, "m/data.pkl", pkl(pDict(items...)), "m/data/0", floats)
	}
	if f, err := readBytes(build(8)); err != nil || len(f.Arrays) != 8 {
		t.Errorf("8 names: %v", err)
	}
	var err error
	few := build(1000)
	_, memory := hostile.Cost(func() { _, err = readBytes(few) })
	if err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("1000 names: %v", err)
	}
	if memory > 32<<20 {
		t.Errorf("%d bytes allocated for a file of %d", memory, len(few))
	}
}
