package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// torchArray is an entry of testdata/torch_cases.json, which make_torch.py
// writes beside the checkpoints.
type torchArray struct {
	Name   string
	Shape  []int
	DType  string
	Values []float64
}

func torchCases(t testing.TB) map[string][]torchArray {
	t.Helper()
	b, err := os.ReadFile("testdata/torch_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string][]torchArray
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 10 {
		t.Fatalf("only %d cases", len(cases))
	}
	return cases
}

// memoryTypes says what each PyTorch type becomes.
var memoryTypes = map[string]DType{
	"float64": F64, "float32": F32, "float16": F32, "bfloat16": F32,
	"int64": I64, "int32": I64, "int16": I64, "int8": I64, "uint8": U8, "bool": U8,
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exact returns the elements as float64, exactly for the values of the tests.
func exact(a *Array) []float64 {
	out := make([]float64, a.Len())
	for i := range out {
		switch a.DType {
		case F32:
			out[i] = float64(a.F32[i])
		case F64:
			out[i] = a.F64[i]
		case I64:
			out[i] = float64(a.I64[i])
		case U8:
			out[i] = float64(a.U8[i])
		}
	}
	return out
}

func TestLoadTorch(t *testing.T) {
	for name, want := range torchCases(t) {
		t.Run(name, func(t *testing.T) {
			f, err := Load(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if legacy := f.Format == PyTorchLegacy; legacy != strings.Contains(name, "legacy") {
				t.Errorf("format %s", f.Format)
			}
			if len(f.Arrays) != len(want) {
				t.Fatalf("%d arrays, want %d", len(f.Arrays), len(want))
			}
			for i, w := range want {
				a := &f.Arrays[i]
				if a.Name != w.Name || !slices.Equal(a.Shape, w.Shape) || a.DType != memoryTypes[w.DType] {
					t.Errorf("array %d is %s %v %s, want %s %v %s", i, a.Name, a.Shape, a.DType, w.Name, w.Shape, w.DType)
					continue
				}
				if err := a.Check(); err != nil {
					t.Error(err)
				}
				for j, v := range exact(a) {
					if math.Float64bits(v) != math.Float64bits(w.Values[j]) {
						t.Errorf("%s[%d] = %v, want %v", a.Name, j, v, w.Values[j])
					}
				}
			}
		})
	}
}

// Two names for one tensor are two arrays: changing one must not change the
// other.
func TestSharedTensorsAreCopies(t *testing.T) {
	f, err := Load("testdata/parameter_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	f.Get("weight").F32[0] = 99
	if got := f.Get("tied").F32[0]; got != 0 {
		t.Errorf("tied[0] = %v after a change of weight[0]", got)
	}
}

// Every prefix of a checkpoint is an error, and none panics. The zip directory is at the end, so each cut damages it; a legacy
// file ends with its last storage.
func TestTruncatedTorch(t *testing.T) {
	for _, name := range []string{"types_zip.pth", "types_legacy.pth", "nested_legacy.pth", "plain_deflated.pth", "protocol4_legacy.pth"} {
		whole := readFile(t, filepath.Join("testdata", name))
		for n := range whole {
			if _, err := readBytes(whole[:n]); err == nil {
				t.Errorf("%s cut at byte %d of %d was read without an error", name, n, len(whole))
			}
		}
	}
}

// The real SqueezeNet 1.1, which is outside the repository.
func TestLoadSqueezeNet(t *testing.T) {
	root := os.Getenv("WHIPPET_TESTDATA")
	if root == "" {
		t.Skip("WHIPPET_TESTDATA is not set")
	}
	f, err := Load(filepath.Join(root, "weights", "squeezenet1_1-imagenet.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Arrays) != 52 {
		t.Errorf("%d arrays, want 52", len(f.Arrays))
	}
	h := sha256.New()
	count := 0
	for i := range f.Arrays {
		count += f.Arrays[i].Len()
		if err := f.Arrays[i].WriteElements(h); err != nil {
			t.Fatal(err)
		}
	}
	if count != 1235496 {
		t.Errorf("%d parameters, want 1235496", count)
	}
	// hashlib.sha256 over v.numpy().tobytes() of torch.load's values in order.
	const want = "3f0f1ed47a66f52eda292beee73ded045ad4d982cc234528c1664f3d0e8bb572"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the numbers' SHA-256 is %s, want %s", got, want)
	}
}
