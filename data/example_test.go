package data_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/vision"
)

// The 37 breeds of Oxford-IIIT Pet: downloaded once, shown step by step, and
// read batch by batch.
func Example() {
	ctx := context.Background()
	path, err := datasets.Untar(ctx, datasets.Pets)
	if err != nil {
		log.Fatal(err)
	}
	pets := data.Block{
		Items:           vision.ImageFiles,
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	if err := pets.Summary(ctx, filepath.Join(path, "images"), os.Stdout); err != nil {
		log.Fatal(err)
	}
	dls, err := pets.DataLoaders(ctx, filepath.Join(path, "images"))
	if err != nil {
		log.Fatal(err)
	}
	defer dls.Close()
	batches := dls.Train.Epoch(ctx, 0, 0)
	defer batches.Close()
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(b.X.Shape, dls.Vocab[b.Y.Class[0]])
		b.Release()
	}
}

// Labels and the split in the columns of a table.
func ExampleCSV() {
	block := data.Block{
		Items: data.CSV{File: "labels.csv", PathColumn: "name", Prefix: "train/", Suffix: ".png", Images: vision.ImageFiles},
		Label: data.ColumnLabel("breed"),
		Split: data.ColumnSplit("is_valid"),
	}
	dls, err := block.DataLoaders(context.Background(), "pets")
	if errors.Is(err, data.ErrNoItems) {
		log.Fatal("the table is empty: ", err)
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println(dls.Vocab)
}
