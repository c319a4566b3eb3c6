// Command pictures writes what the checks of the local pages work on: drawn pets
// in folders train and valid, and labels.csv with their classes, whose names are
// hard to show. One picture is under a wrong label, one validation picture is a
// smaller, recompressed copy of a training picture, and one is a mirrored part of
// another.
//
//	go run ./tests/browser/pictures FOLDER
package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
)

const (
	perClass = 12 // of which every fourth is for validation
	size     = 128
)

// names are those of the classes: what a page must escape, write in other scripts
// and directions, or tell from its own punctuation.
var names = []string{"</script><script>alert(1)</script>", "日本のボブテイル", "القط الماو", "🐈 a & b, \"quoted\" 'name'"}

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
	table := [][]string{{"path", "label", "is_valid"}}
	// add saves a picture of a class and writes it into the table.
	add := func(part, class, name string, m image.Image, quality int) error {
		path := part + "/" + name
		table = append(table, []string{path, class, fmt.Sprint(part == "valid")})
		return save(filepath.Join(dir, filepath.FromSlash(path)), m, quality)
	}
	// pet draws the ith picture of the breed that stands for a class.
	pet := func(seed uint64, class, i int) image.Image {
		m, err := drawn.Breeds.Draw(seed, class, i, size)
		if err != nil {
			panic(err) // there are more breeds and pictures than names
		}
		return m
	}
	for c, class := range names {
		for i := range perClass {
			part := "train"
			if i%4 == 0 {
				part = "valid"
			}
			if err := add(part, class, fmt.Sprintf("%d-%02d.jpg", c, i), pet(1, c, i), 92); err != nil {
				return err
			}
		}
	}
	if err := add("train", names[1], "wrong.jpg", pet(2, 0, 0), 92); err != nil {
		return err
	}
	small := image.NewRGBA(image.Rect(0, 0, 90, 90))
	twin := pet(1, 2, 1)
	draw.CatmullRom.Scale(small, small.Bounds(), twin, twin.Bounds(), draw.Src, nil)
	if err := add("valid", names[2], "twin.jpg", small, 60); err != nil {
		return err
	}
	// Mirrored and cropped, under a name that is hard to pass on.
	seen := pet(1, 1, 2)
	part := image.NewRGBA(image.Rect(0, 0, size*7/8, size*7/8))
	for y := range part.Rect.Dy() {
		for x := range part.Rect.Dx() {
			part.Set(x, y, seen.At(size-1-x, y))
		}
	}
	if err := add("valid", names[1], "it's \"mirrored\", ü 鏡 &..#1.jpg", part, 80); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "labels.csv"))
	if err != nil {
		return err
	}
	if err := csv.NewWriter(f).WriteAll(table); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
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
