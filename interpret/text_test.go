package interpret

import (
	"fmt"
	"strings"
	"testing"
)

func same(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestReportText(t *testing.T) {
	_, table := goldenTable(t)
	// The layout of scikit-learn's classification_report.
	same(t, table.Report().String(), `
             precision    recall  f1-score   support

       a_cat      0.69      0.55      0.61        20
       b_dog      0.43      0.75      0.55         8
      c_bird      0.55      0.67      0.60         9
      d_fish      0.80      0.73      0.76        11
      e_frog      0.56      0.42      0.48        12

    accuracy                          0.60        60
   macro avg      0.60      0.62      0.60        60
weighted avg      0.63      0.60      0.60        60
`)
}

func TestMatrixText(t *testing.T) {
	_, table := goldenTable(t)
	same(t, table.ConfusionMatrix().String(), `
actual \ predicted  0  1  2  3  4
           a_cat 0 11  2  3  1  3
           b_dog 1  ·  6  1  1  ·
          c_bird 2  1  2  6  ·  ·
          d_fish 3  ·  1  1  8  1
          e_frog 4  4  3  ·  ·  5
`)
}

func TestMatrixTextOfManyClasses(t *testing.T) {
	var vocab []string
	var actual, predicted []int
	for i := range 30 {
		vocab = append(vocab, fmt.Sprintf("class_%02d", i))
		actual, predicted = append(actual, i), append(predicted, i)
	}
	for _, p := range []int{1, 2, 2, 3, 4, 5, 6} {
		actual, predicted = append(actual, 0), append(predicted, p)
	}
	m, err := NewConfusionMatrix(vocab, actual, predicted)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(m.String(), "\n")
	same(t, strings.Join(lines[:3], "\n"), `
  actual      right  mistaken for
class_00        1/8  class_02 2, class_01 1, class_03 1, class_04 1, and 2 more
class_01        1/1`)
}

func TestMostConfusedText(t *testing.T) {
	_, table := goldenTable(t)
	same(t, MostConfusedText(table.ConfusionMatrix().MostConfused(3)), `
actual  predicted  count
e_frog  a_cat          4
a_cat   c_bird         3
a_cat   e_frog         3
e_frog  b_dog          3
`)
	same(t, MostConfusedText(nil), "no two classes were confused\n")
}

func TestTopLossesText(t *testing.T) {
	_, table := goldenTable(t)
	lines := strings.Split(table.TopLossesText(table.TopLosses(2)), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "predicted  actual ") || !strings.Contains(lines[1], "3.2775") || !strings.HasSuffix(lines[1], "images/41.jpg") {
		t.Errorf("top losses:\n%s", strings.Join(lines, "\n"))
	}
}

func TestWideNamesLineUp(t *testing.T) {
	m, err := NewConfusionMatrix([]string{"柴犬", "chien", "кошка"}, []int{0, 1, 2}, []int{0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	same(t, m.String(), `
actual \ predicted 0 1 2
            柴犬 0 1 · ·
           chien 1 · 1 ·
           кошка 2 1 · 0
`)
}

func TestWriteCSV(t *testing.T) {
	table, err := NewTable([]string{"cat", `a "dog", large`}, []string{"x/1.jpg", "x/2.jpg"}, []int{0, 1}, [][]float32{{0.75, 0.25}, {1, 0}}, []float32{0.5, 9})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := table.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	same(t, b.String(), `
path,actual,predicted,loss,probability,actual_probability
x/1.jpg,cat,cat,0.5,0.75,0.75
x/2.jpg,"a ""dog"", large",cat,9,1,0
`)
}

func TestCalibrationText(t *testing.T) {
	_, table := goldenTable(t)
	got := table.Calibration(15).Text()
	for _, want := range []string{"0.267 - 0.333      4      0.289     0.500", "ECE 0.2099", "60 examples in 15 bins"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
