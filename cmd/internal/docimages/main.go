// Docimages draws the pictures of the documentation that need no training:
//
//	go run ./cmd/internal/docimages docs/images
package main

import (
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/plot"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docimages FOLDER")
		os.Exit(2)
	}
	if err := breeds(filepath.Join(os.Args[1], "breeds.jpg")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// breeds shows four pictures of each drawn breed in two columns of rows.
func breeds(path string) error {
	const seed, size, each = 1, 112, 4
	var cells []plot.Cell
	for class, name := range drawn.Breeds.Classes() {
		for i := range each {
			img, err := drawn.Breeds.Draw(seed, class, 10+i, 2*size)
			if err != nil {
				return err
			}
			title := ""
			if i == 0 {
				title = name
			}
			cells = append(cells, plot.Cell{Image: img, Title: title})
		}
	}
	fig, err := plot.Grid(cells, plot.GridOptions{Columns: 2 * each, Cell: size, Size: plot.Size{DPI: 96}})
	if err != nil {
		return err
	}
	img, err := fig.Image()
	if err != nil {
		return err
	}
	return files.WriteFile(path, func(w io.Writer) error {
		return jpeg.Encode(w, img, &jpeg.Options{Quality: 85})
	})
}
