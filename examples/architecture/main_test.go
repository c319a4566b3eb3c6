package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func TestMain(m *testing.M) {
	if err := models.Register(swishnet); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestHardswish(t *testing.T) {
	optest.Run(t, optest.Case{
		Name:   "maps",
		Op:     func(*rng.Stream) (graph.Op, []*autograd.Parameter) { return Hardswish{}, nil },
		Inputs: [][]int{{2, 5, 4, 6}},
		Shape:  []int{2, 5, 4, 6},
		Want: func(_ graph.Op, _ bool, in []*tensor.Tensor) []float64 {
			var y []float64
			for _, v := range in[0].Data {
				x := float64(v)
				y = append(y, x*min(max(x+3, 0), 6)/6)
			}
			return y
		},
	})
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	var out strings.Builder
	if err := run(t.Context(), &out, dir, 60, 6); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`180 pictures of \["cross" "disc" "square"\] for training, 90 for validation`,
		`swishnet after 6 epochs in 3 layer groups: validation loss \d\.\d{3}, accuracy (0\.[5-9]|1)`, // chance is 0.333
		`the saved model says of a cross: \w+, 0\.\d{3}`,
		`over HTTP it says: \[\{"label":"\w+","score":`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the output has nothing like %q:\n%s", want, &out)
		}
	}
}

// TestExport has the operation among the ONNX operators.
func TestExport(t *testing.T) {
	info := models.Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Size: side, Stats: preprocess.ImageNetStats}}
	g, err := models.ONNX(models.NewClassifier(swishnet, 2, rng.New(1)), info, models.ONNXOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "HardSigmoid"); n != 2 {
		t.Errorf("%d HardSigmoid, want one for each block", n)
	}
}

// TestImports holds the examples to what any program may import.
func TestImports(t *testing.T) {
	for _, dir := range []string{".", "../loop"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, error %v", dir, len(files), err)
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				path, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains("/"+path+"/", "/internal/") {
					t.Errorf("%s imports %s, which programs outside of the module cannot", name, path)
				}
			}
		}
	}
}
