package drawn

import (
	"image"
	"testing"
)

func TestSheetLaysPicturesOut(t *testing.T) {
	sheet, err := Breeds.Sheet(3, 2, 64)
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(0, 0, 2*64+2, 10*64+9*2); sheet.Rect != want {
		t.Errorf("bounds are %v, want %v", sheet.Rect, want)
	}
	img, err := Breeds.Draw(3, 4, 1, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sheet.RGBAAt(66+10, 4*66+20), img.RGBAAt(10, 20); got != want {
		t.Errorf("row 4, column 1 has %v at (10,20), want %v", got, want)
	}
	if got := sheet.RGBAAt(65, 5); got.R != 255 || got.A != 255 {
		t.Errorf("the gap is %v, want white", got)
	}
	for _, c := range []struct {
		name          string
		columns, size int
	}{{"no columns", 0, 64}, {"too many", 101, 64}, {"too small", 3, 2}} {
		if _, err := Breeds.Sheet(3, c.columns, c.size); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
	if _, err := Task(5).Sheet(0, 1, 64); err == nil {
		t.Error("unknown task: no error")
	}
}
