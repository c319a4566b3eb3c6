// Command pictures writes the folder that the browser check of whippet clean
// works on: drawn pets, one folder for each class, train and valid; one picture
// under a wrong label, one validation picture that is a smaller, recompressed copy
// of a training picture, and one that is a mirrored part of another.
//
//	go run ./tests/browser/pictures FOLDER
package main

import (
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
)

const (
	classes  = 3
	perClass = 12 // of which every fourth is for validation
	size     = 128
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pictures FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	names := drawn.Breeds.Classes()[:classes]
	for c, name := range names {
		for i := range perClass {
			part := "train"
			if i%4 == 0 {
				part = "valid"
			}
			m, err := drawn.Breeds.Draw(1, c, i, size)
			if err != nil {
				return err
			}
			if err := save(filepath.Join(dir, part, name, fmt.Sprintf("%02d.jpg", i)), m, 92); err != nil {
				return err
			}
		}
	}
	wrong, err := drawn.Breeds.Draw(2, 0, 0, size)
	if err != nil {
		return err
	}
	if err := save(filepath.Join(dir, "train", names[1], "wrong.jpg"), wrong, 92); err != nil {
		return err
	}
	twin, err := drawn.Breeds.Draw(1, 2, 1, size)
	if err != nil {
		return err
	}
	small := image.NewRGBA(image.Rect(0, 0, 90, 90))
	draw.CatmullRom.Scale(small, small.Bounds(), twin, twin.Bounds(), draw.Src, nil)
	if err := save(filepath.Join(dir, "valid", names[2], "twin.jpg"), small, 60); err != nil {
		return err
	}
	// Mirrored and cropped, under a name that is hard to pass on.
	seen, err := drawn.Breeds.Draw(1, 1, 2, size)
	if err != nil {
		return err
	}
	part := image.NewRGBA(image.Rect(0, 0, size*7/8, size*7/8))
	for y := range part.Rect.Dy() {
		for x := range part.Rect.Dx() {
			part.Set(x, y, seen.At(size-1-x, y))
		}
	}
	return save(filepath.Join(dir, "valid", names[1], "it's \"mirrored\", ü 鏡 &..#1.jpg"), part, 80)
}

func save(path string, m image.Image, quality int) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := jpeg.Encode(f, m, &jpeg.Options{Quality: quality}); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
