package drawn_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "drawn")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	images, err := drawn.Write(context.Background(), dir, drawn.Options{Task: drawn.Breeds, Seed: 42, PerClass: 1, Size: 32})
	if err != nil {
		log.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(images, "*.jpg"))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files[:3] {
		fmt.Println(filepath.Base(f))
	}
	fmt.Println(len(files), "pictures")
	// Output:
	// Isle_Fold_1.jpg
	// Marlow_Tabby_1.jpg
	// Nimbus_Longhair_1.jpg
	// 10 pictures
}
