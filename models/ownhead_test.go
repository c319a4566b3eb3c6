package models

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// A classifier with the architecture's own head is saved under its authors' names,
// and read back as it was.
func TestOwnHeadIsKept(t *testing.T) {
	pre := preprocess.Config{Size: 64, Stats: preprocess.ImageNetStats}
	for _, a := range []*Architecture{ResNet10Small, SqueezeNet1_1, MobileNetV3Small} {
		c := NewOwnHead(a, 3, rng.New(1))
		f, err := File(c, Info{Vocab: []string{"a", "b", "c"}, Preprocess: pre})
		if err != nil {
			t.Fatal(err)
		}
		full := nn.State(a.Full(3, rng.New(1)))
		for i, e := range nn.State(c) {
			if e.Name != full[i].Name || e.Get()[0] != full[i].Get()[0] {
				t.Fatalf("%s: %s is %v, in the whole network %s is %v", a, e.Name, e.Get()[0], full[i].Name, full[i].Get()[0])
			}
		}
		var b bytes.Buffer
		if err := weights.Write(&b, f); err != nil {
			t.Fatal(err)
		}
		back, info, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || !back.OwnHead || info.Head != OwnHead || info.Format != 3 || info.HeadDropout != nil {
			t.Fatalf("%s: read %+v, %v", a, info, err)
		}
		x := tensor.New(1, 64, 64, 3)
		for i := range x.Data {
			x.Data[i] = float32(i%17)/9 - 1
		}
		want, got := make([]float32, 3), make([]float32, 3)
		if err := nn.Compile(c).RunInto(x, want); err != nil {
			t.Fatal(err)
		}
		if err := nn.Compile(back).RunInto(x, got); err != nil || got[0] != want[0] || got[2] != want[2] {
			t.Errorf("%s: scores %v, %v; want %v", a, got, err, want)
		}
		groups, n := back.Groups(), 0
		for _, g := range groups {
			n += len(g)
		}
		if last := groups[len(groups)-1]; n != len(nn.State(back)) || len(last) == 0 || !isHead(last[0].Name) {
			t.Errorf("%s: %d of %d entries in groups, the last %v", a, n, len(nn.State(back)), last)
		}
		dup, err := back.CopyHead()
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range nn.State(dup) {
			if was := nn.State(back.Head)[i]; &was.Values()[0] == &e.Values()[0] || was.Get()[0] != e.Get()[0] {
				t.Errorf("%s: %s of the copy", a, e.Name)
			}
		}
	}
}

// A file cannot ask for a head that it does not have the values of.
func TestOwnHeadMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(f *weights.File, i *Info)
		says string
	}{
		"unknown head":      {func(f *weights.File, i *Info) { i.Head = "gpt" }, `the head "gpt" is unknown`},
		"more names":        {func(f *weights.File, i *Info) { i.Vocab = make([]string, 100_000) }, "100000 classes of the vocabulary"},
		"no head in it":     {func(f *weights.File, i *Info) { f.Arrays = f.Arrays[:len(f.Arrays)-2] }, "classes of the vocabulary"},
		"shape of no layer": {func(f *weights.File, i *Info) { f.Get("fc.weight").Shape = []int{2, 1024} }, "fc.weight has the shape [2 1024]"},
		"fewer values":      {func(f *weights.File, i *Info) { f.Get("fc.weight").F32 = nil }, "fc.weight has the shape"},
		"two numbers": {func(f *weights.File, i *Info) {
			f.Get("fc.bias").Shape, f.Get("fc.bias").F32 = []int{3}, make([]float32, 3)
		}, "for 3 classes, another for 2"},
	} {
		c := NewOwnHead(ResNet10Small, 2, rng.New(1))
		f, err := File(c, Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Size: 64, Stats: preprocess.ImageNetStats}})
		if err != nil {
			t.Fatal(err)
		}
		var info Info
		if err := json.Unmarshal([]byte(f.Metadata[infoKey]), &info); err != nil {
			t.Fatal(err)
		}
		tc.edit(f, &info)
		b, err := json.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		f.Metadata[infoKey] = string(b)
		if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.says)
		}
	}
}
