package whippet

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// This file is the policy of imports. The house has floors: a package imports
// only packages of lower floors. To add a package, put it on the lowest floor
// above all that it imports; to move one up is free, to move one down is a
// decision. docs/architecture.md shows the same floors with what lives in each
// package: go test -run TestFloors -update . writes them there.

const module = "github.com/whippet-ml/whippet"

// floors lists every package of the module, from the user down.
var floors = []struct {
	name     string
	packages string // separated by white space, without the module's path
}{
	{"the command, and programs beside it", `cmd/whippet cmd/whippet-mpi cmd/internal/docimages cmd/internal/licenses/generate internal/demo/drawnweights/pretrain
		bench/compare bench/load bench/ranks examples/handler examples/architecture examples/loop interop/checkpoints interop/classifier interop/hub interop/smallnet tests/browser/pictures`},
	{"the command without its programs", `cmd/internal/command`},
	{"the command's table and page of runs", `cmd/internal/runs`},
	{"packages of the command", `cmd/internal/run cmd/internal/parts cmd/internal/bench cmd/internal/watch cmd/internal/clean`},
	{"what uses a trained model, and trackers", `serve interpret/page tracking/mlflow tracking/tensorboard`},
	{"what looks at one", `interpret predict finetune show internal/fastai`},
	{"training", `train interpret/gradcam pretrained features`},
	{"networks", `models train/checkpoint`},
	{"layers", `nn internal/demo/drawn data/copies`},
	{"checks of what layers do, only for tests", `nn/optest`},
	{"what layers do", `nn/op`},
	{"the graph, and pages", `nn/graph internal/htmlpage`},
	{"pictures that a program must ask for", `vision/avif`},
	{"operations and pictures, and ranks of MPI", `internal/mpi autograd vision plot optim`},
	{"formats that hold others", `internal/tiff internal/heic`},
	{"data and numbers", `data datasets schedule internal/jpeg internal/demo/drawnweights cmd/internal/localweb cmd/internal/licenses cmd/internal/licenses/modules`},
	{"depthwise convolution, also of what a convolution makes", `internal/kernel/depthwise`},
	{"convolution", `internal/kernel/conv`},
	{"what HEIC is made of", `internal/heif internal/hevc`},
	{"kernels that others use, the task, and ranks", `task distributed internal/kernel/pool internal/kernel/winograd`},
	{"batch normalization, attention, strips of maps, and ONNX", `internal/kernel/attention internal/kernel/norm internal/kernel/strip onnx`},
	{"arithmetic and formats", `internal/kernel/elementwise internal/kernel/optimizer internal/kernel/gemm internal/kernel/layernorm internal/kernel/pixel loss metrics confidence weights internal/archive internal/bitmap`},
	{"what kernels that pass over rows share, and tests of kernels", `internal/kernel/rowwise internal/testkit/kerneltest`},
	{"loops, targets, what kernels share, and the Hub", `target internal/parallel internal/kernel/ground internal/hub`},
	{"ground", `internal/launcher tensor preprocess internal/kernel/isa rng internal/mersenne internal/mem internal/pickle internal/files internal/fetch internal/hostname internal/unsupported internal/nearest internal/hub/localhub`},
	{"only for tests", `internal/testkit/alloctest internal/testkit/golden internal/testkit/hostile internal/testkit/limits internal/testkit/mpirun internal/testkit/slow`},
}

// forbidden says what a program of these packages must not carry, however far
// down it would come in, and why. A name that ends in /... means all below it.
var forbidden = []struct{ who, what, why string }{
	{"predict", "train optim schedule plot show finetune net/http", "a program that only predicts has no training state, draws nothing and calls nobody"},
	{"serve", "train optim schedule finetune datasets", "a service does not train"},
	{"vision", "net/http plot train", "decoding a picture needs neither a network nor a figure"},
	{"data", "net/http plot train", "loading batches is local; datasets downloads"},
	{"models", "net/http train plot vision data", "a network is arithmetic, and its file has a value that says how pictures are prepared; finetune fetches weights"},
	{"train", "net/http plot", "training draws and calls nothing; show and finetune do"},
	{"cmd/whippet", "runtime/cgo", "one static binary"},
	{"cmd/whippet", "vision/avif github.com/tetratelabs/wazero", "AVIF makes the program larger, and only the build with the tag avif has it"},
	{"./...", "github.com/ebitengine/purego", "a program with it needs the system's loader; whippet-mpi is the one that does, and what measures it"},
	{"./...", "testing internal/testkit/... nn/optest", "what only tests use adds flags and code to programs"},
}

var update = flag.Bool("update", false, "write the floors to docs/architecture.md")

// imports is who imports what, over the module and all that it needs.
type imports map[string][]string

// load asks go list for the imports of the module's packages, tests left out,
// as the default build has them: without cgo.
func load(t *testing.T) (imports, map[string]string) {
	t.Helper()
	c := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Doc", "./...")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	all, docs := imports{}, map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, docs
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath], docs[p.ImportPath] = p.Imports, p.Doc
	}
}

// short is a package's path without the module's, or "" for one of others.
func short(path string) string {
	if path == module {
		return "."
	}
	s, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	return s
}

// full is the inverse of short, for packages of others too.
func full(all imports, name string) string {
	if _, ours := all[module+"/"+name]; ours {
		return module + "/" + name
	}
	return name
}

// misplaced returns what breaks the floors.
func (all imports) misplaced() (faults []string) {
	floor := map[string]int{".": 0}
	for i, f := range floors {
		for _, p := range strings.Fields(f.packages) {
			if _, twice := floor[p]; twice {
				faults = append(faults, fmt.Sprintf("%s stands on two floors", p))
			}
			floor[p] = i
			if _, there := all[module+"/"+p]; !there {
				faults = append(faults, fmt.Sprintf("%s is on the floor %q, but is no package", p, f.name))
			}
		}
	}
	for path, imported := range all {
		p := short(path)
		if p == "" {
			continue
		}
		at, placed := floor[p]
		if !placed {
			faults = append(faults, fmt.Sprintf("%s is on no floor: put it on the lowest one above all that it imports", p))
			continue
		}
		for _, i := range imported {
			below, placed := floor[short(i)]
			if short(i) != "" && placed && below <= at {
				faults = append(faults, fmt.Sprintf("%s (%s) imports %s (%s): a package imports only packages of lower floors", p, floors[at].name, short(i), floors[below].name))
			}
		}
	}
	slices.Sort(faults)
	return faults
}

// reach returns the way from one package to another along imports, or nil.
func (all imports) reach(from string, is func(path string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if p != from && is(p) {
			var way []string
			for ; p != ""; p = before[p] {
				way = append([]string{p}, way...)
			}
			return way
		}
		for _, i := range all[p] {
			if _, seen := before[i]; !seen {
				before[i] = p
				queue = append(queue, i)
			}
		}
	}
	return nil
}

// onlyForTests reports whether a package is for tests, of programs outside too.
func onlyForTests(p string) bool {
	return p == "nn/optest" || strings.HasPrefix(p, "internal/testkit/")
}

// mayCarry reports whether a package is the exception of a rule for all.
func mayCarry(p, what string) bool {
	return what == "github.com/ebitengine/purego" && (p == "internal/mpi" || p == "cmd/whippet-mpi" || p == "bench/ranks")
}

// carried returns what breaks forbidden.
func (all imports) carried() (faults []string) {
	for _, rule := range forbidden {
		for _, what := range strings.Fields(rule.what) {
			target := full(all, what)
			is := func(path string) bool { return path == target }
			if prefix, tree := strings.CutSuffix(what, "/..."); tree {
				is = func(path string) bool { return strings.HasPrefix(short(path), prefix+"/") }
			}
			for path := range all {
				p := short(path)
				if p == "" || rule.who != "./..." && p != rule.who || onlyForTests(p) || mayCarry(p, what) {
					continue
				}
				if way := all.reach(path, is); way != nil {
					faults = append(faults, fmt.Sprintf("%s must not carry %s (%s), but does: %s", p, what, rule.why, strings.Join(way, " → ")))
				}
			}
		}
	}
	slices.Sort(faults)
	return faults
}

func TestFloors(t *testing.T) {
	all, docs := load(t)
	for _, f := range append(all.misplaced(), all.carried()...) {
		t.Error(f)
	}
	const file, begin, end = "docs/architecture.md", "<!-- floors -->\n", "<!-- end of floors -->\n"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(b), begin)
	table, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no table between %q and %q", file, begin, end)
	}
	want := floorTable(docs)
	switch {
	case table == want:
	case *update:
		if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of %s is not that of the packages: go test -run TestFloors -update . writes it", file)
	}
}

// floorTable is the table of docs/architecture.md: the floors, their packages
// and the first sentence of each package's comment.
func floorTable(docs map[string]string) string {
	var b strings.Builder
	b.WriteString("| package | what it is for |\n|---|---|\n")
	for _, f := range floors {
		fmt.Fprintf(&b, "| **%s** | |\n", f.name)
		for _, p := range strings.Fields(f.packages) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", p, strings.ReplaceAll(docs[module+"/"+p], "|", "\\|"))
		}
	}
	return b.String()
}

// TestFloorsFail adds imports that the policy forbids and expects to be told.
func TestFloorsFail(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"tensor", module + "/train", "tensor (ground) imports train (training)"},
		{"models", module + "/models", "models (networks) imports models (networks)"},
		{"nn", "net/http", "predict must not carry net/http"},
		{"tensor", module + "/internal/testkit/golden", "serve must not carry internal/testkit/..."},
		{"loss", "testing", "train must not carry testing"},
		{"data", "github.com/tetratelabs/wazero", "cmd/whippet must not carry github.com/tetratelabs/wazero"},
		{"cmd/internal/command", module + "/internal/mpi", "cmd/whippet must not carry github.com/ebitengine/purego"},
		{"cmd/whippet", module + "/vision/avif", "cmd/whippet must not carry vision/avif"},
		{"attic", module + "/tensor", "attic is on no floor"},
	} {
		all, _ := load(t)
		all[module+"/"+c.from] = append(all[module+"/"+c.from], c.to)
		faults := strings.Join(append(all.misplaced(), all.carried()...), "\n")
		if !strings.Contains(faults, c.want) {
			t.Errorf("with %s importing %s the faults are\n%s\nwant one with %q", c.from, c.to, faults, c.want)
		}
	}
}
