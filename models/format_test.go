package models

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// described returns the file of a model of two classes, changed, and the
// description in it as an older reader sees it: fields by their names.
func described(t *testing.T, change func(*Info), head ...HeadOption) (*weights.File, map[string]any) {
	t.Helper()
	info := Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Presize: 40, Size: 32, Stats: preprocess.ImageNetStats}}
	if change != nil {
		change(&info)
	}
	f, err := File(NewClassifier(ResNet10Small, 2, rng.New(1), head...), info)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(f.Metadata[infoKey]), &fields); err != nil {
		t.Fatal(err)
	}
	return f, fields
}

// TestFormat: a file has the number 1, which the first readers take, unless they
// would misread it.
func TestFormat(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Info)
		head   []HeadOption
		want   float64
	}{
		"what the first version wrote": {want: 1},
		"notes, EXIF":                  {change: func(i *Info) { i.Training, i.Preprocess.RawEXIF = json.RawMessage(`{"new":1}`), true }, want: 1},
		"width of the head":            {head: []HeadOption{HeadWidth(7)}, want: 1},
		"fastai's dropout":             {head: []HeadOption{HeadDropout(0.5)}, want: 1},
		"filter":                       {change: func(i *Info) { i.Preprocess.Interpolation = preprocess.Bicubic }, want: 2},
		"crop share":                   {change: func(i *Info) { i.Preprocess.CropPct = 1 }, want: 2},
		"pad mode":                     {change: func(i *Info) { i.Preprocess.PadMode = preprocess.Zeros }, want: 3},
		"thresholds":                   {change: func(i *Info) { i.Thresholds = []float32{0.1, 0.2} }, want: 2},
		"dropout":                      {head: []HeadOption{HeadDropout(0)}, want: 2},
		"abstention":                   {change: func(i *Info) { i.Abstention = &confidence.Abstention{Below: 0.5} }, want: 4},
		"sets of classes":              {change: func(i *Info) { i.Conformal = &confidence.Conformal{Coverage: 0.9, Least: 0.1} }, want: 6},
		"temperature":                  {change: func(i *Info) { i.Temperature = 1.5 }, want: 4},
	} {
		f, fields := described(t, tc.change, tc.head...)
		if fields["format"] != tc.want {
			t.Errorf("%s: format %v, want %v", name, fields["format"], tc.want)
		}
		if _, _, err := FromFile(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOlderAndNewerFiles reads what the first version wrote, what was written
// with later fields under the first number, a later description with a field
// that does no harm, and one that must be refused.
func TestOlderAndNewerFiles(t *testing.T) {
	good, _ := described(t, nil)
	const first = `{"format":1,"architecture":"resnet10_small","vocabulary":["cat","dog"],` +
		`"preprocess":{"presize":40,"method":"crop","size":32,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],"ignore_exif":false}}`
	for name, tc := range map[string]struct {
		meta, refused string
		check         func(Info) bool
	}{
		"first":               {meta: first, check: func(i Info) bool { return i.Preprocess.Size == 32 && i.HeadDropout == nil && i.Task == "" }},
		"between":             {meta: strings.Replace(first, `"method":"crop"`, `"method":"crop","interpolation":"bicubic"`, 1), check: func(i Info) bool { return i.Preprocess.Interpolation == preprocess.Bicubic }},
		"later, without harm": {meta: strings.Replace(first, `"format":1`, `"format":2,"author":"somebody"`, 1), check: func(i Info) bool { return i.Format == 2 }},
		"later":               {meta: strings.Replace(first, `"format":1`, `"format":7,"rotate":90`, 1), refused: "format 7, this version reads 1 to 6: use the version that wrote it, or a newer one"},
	} {
		f := *good
		f.Metadata = map[string]string{infoKey: tc.meta}
		_, info, err := FromFile(&f)
		switch {
		case tc.refused != "" && (err == nil || !strings.Contains(err.Error(), tc.refused)):
			t.Errorf("%s: error %v does not say %q", name, err, tc.refused)
		case tc.refused == "" && (err != nil || !tc.check(info)):
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
}

// TestHeadDropoutIsKept takes probabilities into a file and out of it, and into a
// copy of the head.
func TestHeadDropoutIsKept(t *testing.T) {
	for _, p := range []float64{0, 0.25, 0.5, 1} {
		f, _ := described(t, nil, HeadDropout(p))
		c, _, err := FromFile(f)
		if err != nil {
			t.Fatal(err)
		}
		dup, err := c.CopyHead()
		if err != nil {
			t.Fatal(err)
		}
		for name, head := range map[string]nn.Module{"read": c.Head, "copied": dup} {
			var got []float64
			for _, ch := range nn.Children(head) {
				if d, ok := ch.Module.(nn.Dropout); ok {
					got = append(got, d.P)
				}
			}
			if len(got) != 2 || got[0] != p/2 || got[1] != p {
				t.Errorf("%s: dropout %v, want %v and %v", name, got, p/2, p)
			}
		}
	}
}
