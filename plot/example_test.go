package plot_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/plot"
)

func ExampleConfusionMatrix() {
	fig, err := plot.ConfusionMatrix([]string{"beagle", "pug"}, [][]int{{8, 2}, {1, 9}},
		plot.ConfusionOptions{Size: plot.Size{Width: 6, Height: 6, DPI: 100}})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "plot")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := fig.Save(filepath.Join(dir, "confusion.png")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Size())
	// Output: 600 600
}

func ExampleLRFind() {
	lrs := []float64{1e-5, 1e-4, 1e-3, 1e-2, 1e-1}
	losses := []float64{2.3, 2.2, 1.4, 1.1, 4.0}
	fig, err := plot.LRFind(lrs, losses, []plot.Suggestion{{Name: "steep", LR: 1e-3}}, plot.LineOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Size())
	// Output: 960 640
}
