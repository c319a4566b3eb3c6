package features

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/weights"
)

func table() *Table {
	t := &Table{Labels: []string{}, Width: 2}
	t.Add("a, b.jpg", "dog", []float32{1, -0.1})
	t.Add("c.jpg", "cat", []float32{math.MaxFloat32, 1e-45})
	t.Add("d.jpg", "dog", []float32{0, 3})
	return t
}

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		labels bool
		want   string
	}{
		{true, "file,label,f0,f1\n\"a, b.jpg\",dog,1,-0.1\nc.jpg,cat,3.4028235e+38,1e-45\nd.jpg,dog,0,3\n"},
		{false, "file,f0,f1\n\"a, b.jpg\",1,-0.1\nc.jpg,3.4028235e+38,1e-45\nd.jpg,0,3\n"},
	} {
		of := table()
		if !c.labels {
			of.Labels = nil
		}
		var got bytes.Buffer
		if err := of.Write(&got, "csv", nil); err != nil || got.String() != c.want {
			t.Errorf("%v: %q, %v; want %q", c.labels, &got, err, c.want)
		}
	}
	var got bytes.Buffer
	if err := table().WriteFiles(&got); err != nil || got.String() != "file,label\n\"a, b.jpg\",dog\nc.jpg,cat\nd.jpg,dog\n" {
		t.Errorf("%q, %v", &got, err)
	}
}

// TestNPY compares with the bytes that numpy.save writes.
func TestNPY(t *testing.T) {
	of := &Table{Width: 2}
	of.Add("x", "", []float32{1, 2})
	of.Add("y", "", []float32{3, 4})
	var got bytes.Buffer
	if err := of.Write(&got, "npy", nil); err != nil {
		t.Fatal(err)
	}
	want := append([]byte("\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"+
		"                                                          \n"), 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40)
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%q, want %q", got.Bytes(), want)
	}
}

func TestSafetensors(t *testing.T) {
	var b bytes.Buffer
	if err := table().Write(&b, "safetensors", map[string]string{"model": "m"}); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if x := f.Get("features"); !slices.Equal(x.F32, table().Values) || !slices.Equal(x.Shape, []int{3, 2}) {
		t.Errorf("features %v of shape %v", x.F32, x.Shape)
	}
	if y := f.Get("labels"); !slices.Equal(y.I64, []int64{1, 0, 1}) {
		t.Errorf("labels %v", y.I64)
	}
	for k, want := range map[string]string{"files": `["a, b.jpg","c.jpg","d.jpg"]`, "vocabulary": `["cat","dog"]`, "model": "m"} {
		if got := f.Metadata[k]; got != want {
			t.Errorf("metadata %s: %s, want %s", k, got, want)
		}
	}
}

func TestForm(t *testing.T) {
	if f, err := Form("a/b.NPY"); f != "npy" || err != nil {
		t.Errorf("%q, %v", f, err)
	}
	if _, err := Form("features.parquet"); err == nil {
		t.Error("a form that is not known is taken")
	}
}
