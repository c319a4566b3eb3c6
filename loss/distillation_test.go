package loss

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// TestDistillation compares with PyTorch: testdata/distillation.py.
func TestDistillation(t *testing.T) {
	raw, err := os.ReadFile("testdata/distillation.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Student, Teacher [][]float32
		Y                []int
		Cases            []struct {
			Alpha, Temperature float64
			Hard, Sum          bool
			Loss               float64
			Grad               [][]float32
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	student, teacher := rows(golden.Student), rows(golden.Teacher)
	for _, c := range golden.Cases {
		d := Distillation{Alpha: c.Alpha, Temperature: c.Temperature, Hard: c.Hard}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		of := CrossEntropy{}
		if c.Sum {
			of.Reduction = Sum
		}
		grad := tensor.New(student.Shape...)
		labels, err := of.ForwardBackward(student, target.Classes(golden.Y), nil, grad)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Add(student, teacher, of.Reduce(), labels, grad)
		if err != nil || math.Abs(got-c.Loss) > 1e-9*math.Abs(c.Loss) {
			t.Errorf("%v: loss %v, %v; PyTorch has %v", d, got, err, c.Loss)
		}
		for i, want := range rows(c.Grad).Data {
			if v := grad.Data[i]; math.Abs(float64(v-want)) > 2e-7*(1+math.Abs(float64(want))) {
				t.Errorf("%v: gradient %d is %v, PyTorch has %v", d, i, v, want)
			}
		}
	}
}

func TestDistillationThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		d    Distillation
		want string
	}{
		{Distillation{Temperature: 1}, "Alpha is 0"},
		{Distillation{Alpha: 1.5, Temperature: 1}, "Alpha is 1.5"},
		{Distillation{Alpha: math.NaN(), Temperature: 1}, "Alpha is NaN"},
		{Distillation{Alpha: 0.5}, "Temperature is 0"},
		{Distillation{Alpha: 0.5, Temperature: math.Inf(1)}, "Temperature is +Inf"},
	} {
		if err := c.d.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.d, err, c.want)
		}
	}
	d, a, b := Distillation{Alpha: 0.5, Temperature: 2}, tensor.New(2, 3), tensor.New(3, 2)
	for name, f := range map[string]func() (float64, error){
		"other teacher":  func() (float64, error) { return d.Add(a, b, Mean, 0, tensor.New(2, 3)) },
		"other gradient": func() (float64, error) { return d.Add(a, a, Mean, 0, nil) },
		"no reduction":   func() (float64, error) { return d.Add(a, a, None, 0, tensor.New(2, 3)) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, hard := range []bool{false, true} { // scores that are not finite are no error, but show in the loss
		d.Hard = hard
		bad := tensor.New(2, 3)
		bad.Data[1] = float32(math.NaN())
		if v, err := d.Add(a, bad, Mean, 0, tensor.New(2, 3)); err != nil || !math.IsNaN(v) {
			t.Errorf("a teacher's NaN (%v): loss %v, %v", d, v, err)
		}
	}
}
