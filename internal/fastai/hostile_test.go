package fastai

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/preprocess"
)

func global(full string) pickle.Global {
	i := strings.LastIndexByte(full, '.')
	return pickle.Global{Module: full[:i], Name: full[i+1:]}
}

// object is an object of the named class with these attributes.
func object(class string, attributes ...any) *pickle.Object {
	d := &pickle.Dict{}
	for i := 0; i < len(attributes); i += 2 {
		d.Keys, d.Values = append(d.Keys, attributes[i]), append(d.Values, attributes[i+1])
	}
	return &pickle.Object{Func: global(class), Args: pickle.Tuple{}, State: d}
}

func size(n int64) *pickle.Object {
	return &pickle.Object{Func: global("fastcore.basics.fastuple"), Args: pickle.Tuple{pickle.Tuple{n, n}}}
}

// TestTransforms: what each transform means at prediction, and what is refused.
func TestTransforms(t *testing.T) {
	const aug = "fastai.vision.augment."
	resize := func(n int64, more ...any) any {
		return object(aug+"Resize", append([]any{"size", size(n), "method", "crop", "split_idx", nil}, more...)...)
	}
	for name, c := range map[string]struct {
		list []any
		want preprocess.Config // with no error
		says string
	}{
		"resize":          {[]any{resize(64)}, preprocess.Config{Presize: 64}, ""},
		"bicubic":         {[]any{resize(64, "mode", int64(3))}, preprocess.Config{Presize: 64, Interpolation: preprocess.Bicubic}, ""},
		"fastai2":         {[]any{object("fastai2.vision.augment.Resize", "size", int64(64), "method", "squish")}, preprocess.Config{Presize: 64, Method: preprocess.Squish}, ""},
		"flip":            {[]any{resize(64), object(aug+"Flip", "aff_fs", &pickle.List{}, "size", int64(48), "mode", "bilinear", "align_corners", true, "split_idx", int64(0))}, preprocess.Config{Presize: 64, Size: 48}, ""},
		"two sizes alike": {[]any{object(aug+"Zoom", "aff_fs", &pickle.List{}, "size", pickle.Tuple{int64(48), int64(48)}, "mode", "bilinear", "align_corners", true), object(aug+"RandomResizedCropGPU", "size", pickle.Tuple{int64(48), int64(48)}, "valid_scale", 1.0)}, preprocess.Config{Size: 48}, ""},
		"training only":   {[]any{object("mine.Cutout", "split_idx", int64(0)), object(aug + "Hue")}, preprocess.Config{}, ""},
		"nothing extra":   {[]any{object(aug+"RandomResizedCrop", "size", size(64), "val_xtra", int64(0))}, preprocess.Config{Presize: 64, Method: preprocess.Squish}, ""},

		"rectangle":        {[]any{object(aug+"Resize", "size", pickle.Tuple{int64(64), int64(48)})}, preprocess.Config{}, "64×48 pixels; Whippet's networks take squares"},
		"no size":          {[]any{object(aug + "Resize")}, preprocess.Config{}, "size that is no number"},
		"size of nothing":  {[]any{resize(0)}, preprocess.Config{}, "want 1 to"},
		"huge":             {[]any{resize(1 << 40)}, preprocess.Config{}, "want 1 to"},
		"method":           {[]any{object(aug+"Resize", "size", size(64), "method", "stretch")}, preprocess.Config{}, `method "stretch"`},
		"filter":           {[]any{resize(64, "mode", int64(1))}, preprocess.Config{}, "Pillow's filter 1"},
		"pad mode":         {[]any{object(aug+"Resize", "size", size(64), "method", "pad", "pad_mode", "wrap")}, preprocess.Config{}, "wrap"},
		"twice":            {[]any{resize(64), resize(32)}, preprocess.Config{}, "resized twice in item_tfms"},
		"two sizes":        {[]any{object(aug+"Flip", "aff_fs", &pickle.List{}, "size", int64(48), "mode", "bilinear", "align_corners", true), object(aug+"RandomResizedCropGPU", "size", int64(32))}, preprocess.Config{}, "batches are resized twice, to 48"},
		"cut and resized":  {[]any{object(aug+"RandomResizedCrop", "size", size(64), "val_xtra", 0.14), object(aug+"RandomResizedCropGPU", "size", int64(32))}, preprocess.Config{}, "what RandomResizedCrop has cut to 64"},
		"val_xtra":         {[]any{object(aug+"RandomResizedCrop", "size", size(64), "val_xtra", math.NaN())}, preprocess.Config{}, "val_xtra"},
		"valid_scale":      {[]any{object(aug+"RandomResizedCropGPU", "size", int64(32), "valid_scale", 0.9)}, preprocess.Config{}, "valid_scale=0.9"},
		"nearest":          {[]any{object(aug+"Flip", "aff_fs", &pickle.List{}, "size", int64(48), "mode", "nearest", "align_corners", true)}, preprocess.Config{}, `mode "nearest"`},
		"corners":          {[]any{object(aug+"Flip", "aff_fs", &pickle.List{}, "size", int64(48), "mode", "bilinear", "align_corners", false)}, preprocess.Config{}, "align_corners=false"},
		"another of these": {[]any{object(aug+"RandomCrop", "size", size(32))}, preprocess.Config{}, "RandomCrop in item_tfms has no equal"},
		"own":              {[]any{object("mine.Cutout")}, preprocess.Config{}, `--ignore "mine.Cutout"`},
		"own affine":       {[]any{object("mine.Shear", "aff_fs", &pickle.List{}, "split_idx", int64(0))}, preprocess.Config{}, "mine.Shear"},
		"function":         {[]any{object("fastcore.transform.Transform", "encodes", global("mine.sharpen"))}, preprocess.Config{}, "the function mine.sharpen in item_tfms"},
		"not scaled":       {[]any{object("fastai.data.transforms.IntToFloatTensor", "div", 1.0)}, preprocess.Config{}, "divides by 1"},
		"normalized first": {[]any{object("fastai.data.transforms.Normalize")}, preprocess.Config{}, "before IntToFloatTensor"},
		"a number":         {[]any{int64(3)}, preprocess.Config{}, "transform integer"},
	} {
		p := &pipeline{}
		var err error
		for _, x := range c.list {
			if err = p.apply("item_tfms", x); err != nil {
				break
			}
		}
		switch {
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		case c.says == "" && (err != nil || p.config != c.want):
			t.Errorf("%s: %+v, %v; want %+v", name, p.config, err, c.want)
		}
	}
	// 152 = 128 + 8*ceil(128*0.14/8), of which the middle 128.
	p := &pipeline{}
	if err := p.apply("item_tfms", object(aug+"RandomResizedCrop", "size", size(128), "val_xtra", 0.14)); err != nil || p.config.Short() != 152 || p.config.Size != 128 {
		t.Errorf("RandomResizedCrop(128): %+v, %v", p.config, err)
	}
}

// TestCropShares: RandomResizedCrop's sizes are hit exactly.
func TestCropShares(t *testing.T) {
	for n := 1; n <= 1024; n++ {
		for _, share := range []float64{0.05, 0.14, 0.25, 1} {
			whole := n + 8*int(math.Ceil(float64(n)*share/8))
			c, ok := cropShare(n, whole)
			if p := (preprocess.Config{Size: n, CropPct: c}); !ok || p.Short() != whole {
				t.Fatalf("%d of %d: share %v gives %d", n, whole, c, p.Short())
			}
		}
	}
}

func TestVocabulary(t *testing.T) {
	dtypeOf := func(name string) *pickle.Object {
		return &pickle.Object{Func: global("numpy.dtype"), Args: pickle.Tuple{name, false, true}, State: pickle.Tuple{int64(3), "<"}}
	}
	latin := func(s string) *pickle.Object {
		return &pickle.Object{Func: global("_codecs.encode"), Args: pickle.Tuple{s, "latin1"}}
	}
	number := func(kind string, b any) *pickle.Object {
		return &pickle.Object{Func: global("numpy.core.multiarray.scalar"), Args: pickle.Tuple{dtypeOf(kind), b}}
	}
	array := &pickle.Object{Func: global("numpy.core.multiarray._reconstruct"), State: pickle.Tuple{int64(1), pickle.Tuple{int64(2)}, dtypeOf("i2"), false, []byte{1, 0, 255, 255}}}
	for want, v := range map[string]any{
		"a,Été":                                &pickle.List{Items: []any{"a", "Été"}},
		"False,True":                           &pickle.List{Items: []any{false, true}},
		"-3,1.0,0.5,1e-07":                     &pickle.List{Items: []any{int64(-3), 1.0, 0.5, 1e-7}},
		"2e+20,nan,inf":                        &pickle.List{Items: []any{2e20, math.NaN(), math.Inf(1)}},
		"é,7,0.1,True":                         &pickle.List{Items: []any{number("U2", latin("\u00e9\x00\x00\x00\x00\x00\x00\x00")), number("i8", []byte{7, 0, 0, 0, 0, 0, 0, 0}), number("f4", []byte{0xcd, 0xcc, 0xcc, 0x3d}), number("b1", []byte{1})}},
		"1,-1":                                 array,
		"x":                                    object("fastai.data.transforms.CategoryMap", "items", object("fastcore.foundation.L", "items", &pickle.List{Items: []any{"x"}})),
		"error: both read":                     &pickle.List{Items: []any{"1", int64(1)}},
		"error: no name":                       &pickle.List{Items: []any{" "}},
		"error: is a tuple":                    &pickle.List{Items: []any{pickle.Tuple{}}},
		"error: its bytes":                     &pickle.List{Items: []any{number("i8", []byte{7})}},
		"error: a string where a list belongs": "abc",
		"error: limit":                         &pickle.List{Items: make([]any, maxClasses+1)},
		"error: not valid text":                &pickle.List{Items: []any{number("U1", []byte{255, 255, 255, 255})}},
	} {
		names, err := vocabulary(v)
		says, bad := strings.CutPrefix(want, "error: ")
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("error %v does not say %q", err, says)
		case !bad && (err != nil || strings.Join(names, ",") != want):
			t.Errorf("%q, %v; want %s", names, err, want)
		}
	}
}

// FuzzExport puts bytes in two places of a real export: nothing panics, and what is
// read takes memory in proportion. The file itself is not the input, because the
// fuzzer spends its time on making large ones smaller.
func FuzzExport(f *testing.F) {
	var files [][]byte
	for _, name := range []string{"pad", "legacy", "x_several"} {
		b, err := os.ReadFile(unpacked(f, name))
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, b)
	}
	f.Add(uint8(0), uint32(0), "", uint32(0), "")
	f.Add(uint8(0), uint32(1000), "N", uint32(5000), "h\x01")
	f.Add(uint8(1), uint32(700), "}", uint32(3000), "(e")
	f.Add(uint8(2), uint32(9000), "0", uint32(200), "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")
	path := filepath.Join(f.TempDir(), "export.pkl")
	f.Fuzz(func(t *testing.T, file uint8, at1 uint32, put1 string, at2 uint32, put2 string) {
		b := append([]byte(nil), files[int(file)%len(files)]...)
		copy(b[int(at1)%len(b):], put1)
		copy(b[int(at2)%len(b):], put2)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		hostile.Bounded(t, 8<<20+200*len(b), func() {
			l, err := Load(path, Options{})
			if err != nil {
				return
			}
			if len(l.Vocab) != l.Classes || l.Preprocess.Size < 0 {
				t.Errorf("%d classes, %q, %+v", l.Classes, l.Vocab, l.Preprocess)
			}
			if _, err := l.Classifier(tiny); err == nil && l.Weights == nil {
				t.Error("a classifier without weights")
			}
		})
	})
}

// TestDamagedExports sets each of many bytes to others: an error or a learner, and
// no panic.
func TestDamagedExports(t *testing.T) {
	b, err := os.ReadFile(unpacked(t, "pad"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "export.pkl")
	read := 0
	for at := 0; at < len(b); at += 311 {
		for _, put := range []byte{0, 'N', 'h', '}'} {
			was := b[at]
			b[at] = put
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			b[at] = was
			if l, err := Load(path, Options{}); err == nil {
				read++
				if len(l.Vocab) != l.Classes {
					t.Errorf("byte %d: %d classes, %q", at, l.Classes, l.Vocab)
				}
			}
		}
	}
	if read == 0 {
		t.Error("every change was an error: nothing was tested")
	}
}
