package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// checksFile has what tests measured of the networks, for the table of docs/networks.md.
// WHIPPET_SLOW=1 go test ./models -run 'TestReferences|TestStepMemory' -update writes it, for
// the networks that these tests run over.
const checksFile = "testdata/checks.json"

// checked is what is known of a network by measurement.
type checked struct {
	Library string `json:"library,omitempty"` // whose network it was compared with
	differences
	Memory int64 `json:"memory,omitempty"` // of a training step, in bytes; see stepMemory. 0 where it was not measured
}

// differences are the largest ones from the reference: of the scores relative to their
// norm, of the gradients and the steps of running statistics relative to theirs.
type differences struct {
	Scores    float64 `json:"scores,omitempty"`
	Training  float64 `json:"training,omitempty"`
	Gradients float64 `json:"gradients,omitempty"` // 0 where scores alone were compared
}

func (d differences) max(e differences) differences {
	return differences{max(d.Scores, e.Scores), max(d.Training, e.Training), max(d.Gradients, e.Gradients)}
}

func readChecks(t *testing.T) map[string]*checked {
	t.Helper()
	all := map[string]*checked{}
	raw, err := os.ReadFile(checksFile)
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

// underTimmsNames ends the names of references whose parameters have timm's names, of networks
// that have torchvision's here.
const underTimmsNames = ".timm"

// updateChecks changes what the file has of a network, or of a reference under timm's names.
func updateChecks(t *testing.T, name string, change func(*checked)) {
	t.Helper()
	all := readChecks(t)
	if all[name] == nil {
		all[name] = &checked{}
	}
	change(all[name])
	round := func(v *float64) { fmt.Sscanf(fmt.Sprintf("%.1e", *v), "%g", v) }
	round(&all[name].Scores)
	round(&all[name].Training)
	round(&all[name].Gradients)
	var b bytes.Buffer
	b.WriteString("{\n")
	for _, n := range slices.Sorted(maps.Keys(all)) {
		line, err := json.Marshal(all[n])
		if err != nil {
			t.Fatal(err)
		}
		if b.Len() > 2 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q: %s", n, line)
	}
	b.WriteString("\n}\n")
	if err := os.WriteFile(checksFile, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// peakOfStep returns the bytes of activations and gradients that a training step of n
// pictures of size×size needs at one time.
func peakOfStep(t *testing.T, m nn.Module, n, size int) int64 {
	t.Helper()
	arena := autograd.NewArena()
	tp := autograd.NewTape(arena)
	tp.Record, tp.Training, tp.Rand = true, true, rng.New(1)
	y := forward(t, m, tp, tp.Input(tensor.New(n, size, size, 3), false))
	tp.Backward(y, tensor.New(n, y.Value.Shape[1]))
	tp.Reset()
	return arena.Peak()
}

// stepMemory returns the memory of a training step of 32 pictures of 224×224 pixels:
// activations and their gradients; and parameters, their gradients, and Adam's two averages.
func stepMemory(t *testing.T, a *Architecture) int64 {
	t.Helper()
	m := a.Full(1000, nil)
	bytes := peakOfStep(t, m, 32, 224)
	for _, e := range nn.Parameters(m) {
		bytes += 4 * 4 * int64(e.Param.Value.Len())
	}
	return bytes
}

// measured are the networks whose steps the test measures again; the others take long, and only -update
// does.
var measured = []string{"resnet10_small", "mobilenetv3_small_100", "shufflenet_v2_x0_5"}

// TestStepMemory compares the memory of training steps with what is noted of it.
func TestStepMemory(t *testing.T) {
	slow.Test(t)
	all := readChecks(t)
	if *update {
		for _, name := range Names() {
			got := stepMemory(t, registered(t, name))
			updateChecks(t, name, func(c *checked) { c.Memory = got })
			runtime.GC() // gigabytes, with the next network's besides
		}
		return
	}
	for _, name := range measured {
		got := stepMemory(t, registered(t, name))
		if c := all[name]; c == nil || got > c.Memory*103/100 || got < c.Memory*97/100 {
			t.Errorf("%s takes %d bytes, %s says %+v: write it anew with -update", name, got, checksFile, c)
		}
	}
}

// speedsFile has the speed and memory of training steps beside PyTorch's, as bench/compare -networks -save
// measured them: bench/README.md says how.
const speedsFile = "testdata/speeds.json"

// beside is what a network's training step is beside PyTorch's.
type beside struct {
	Speed  float64 `json:"speed"`  // how many times as fast
	Memory float64 `json:"memory"` // of the process, as a share
}

// cells are the columns of the table.
func (b beside) cells() string {
	if b.Speed == 0 {
		return " | "
	}
	return fmt.Sprintf("%.1f× | %.2f", b.Speed, b.Memory)
}

const networksDoc = "../docs/networks.md"

// TestNetworksDoc compares the table of the documentation with what is known of the
// networks.
func TestNetworksDoc(t *testing.T) {
	const begin, end = "<!-- networks -->\n", "<!-- end of networks -->\n"
	raw, err := os.ReadFile(networksDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table between %q and %q", networksDoc, begin, end)
	}
	all := readChecks(t)
	speeds := map[string]beside{}
	if raw, err := os.ReadFile(speedsFile); err != nil {
		t.Fatal(err)
	} else if err := json.Unmarshal(raw, &speeds); err != nil {
		t.Fatalf("%s: %v", speedsFile, err)
	}
	for name, v := range speeds {
		if _, err := ByName(name); err != nil || !(v.Speed > 0 && v.Memory > 0) {
			t.Errorf("%s: %s: %+v, %v", speedsFile, name, v, err)
		}
	}
	var b strings.Builder
	b.WriteString("| network | parameters | multiply-adds | at | compared with | scores | in training | gradients | memory of a step | speed | memory |\n|---|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|\n")
	difference := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.0e", v)
	}
	for _, name := range Names() {
		a := registered(t, name)
		f, here := builtinNamed(a)
		if !here {
			continue
		}
		c := all[name]
		if c == nil || c.Scores == 0 && name != ResNet10Small.Name {
			t.Errorf("%s: %s lacks its figures: compare it with a reference (testdata/networks.json), and run its tests with -update", name, checksFile)
			continue
		}
		library, differences := c.Library, c.differences
		if twin := all[name+underTimmsNames]; twin != nil {
			library, differences = library+" and "+twin.Library, differences.max(twin.differences)
		} else if library == "" {
			library = "none: Whippet's own"
		}
		memory := ""
		if c.Memory > 0 {
			memory = fmt.Sprintf("%.2f GB", float64(c.Memory)/1e9)
		}
		fmt.Fprintf(&b, "| `%s` | %.2f M | %.2f G | %d | %s | %s | %s | %s | %s | %s |\n", name, float64(f.Parameters)/1e6, f.MACs/1e9, f.Size,
			library, difference(differences.Scores), difference(differences.Training), difference(differences.Gradients), memory, speeds[name].cells())
	}
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(networksDoc, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(raw) {
		t.Errorf("the table of %s is not what %s and the facts say: run go test ./models -run TestNetworksDoc -update", networksDoc, checksFile)
	}
}
