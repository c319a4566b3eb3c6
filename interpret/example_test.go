package interpret_test

import (
	"fmt"
	"log"

	"github.com/whippet-ml/whippet/interpret"
)

func Example() {
	table, err := interpret.NewTable(
		[]string{"beagle", "pug"},
		[]string{"a.jpg", "b.jpg", "c.jpg", "d.jpg"},
		[]int{0, 0, 1, 1},
		[][]float32{{0.9, 0.1}, {0.3, 0.7}, {0.2, 0.8}, {0.05, 0.95}},
		nil, // cross-entropy
	)
	if err != nil {
		log.Fatal(err)
	}
	m := table.ConfusionMatrix()
	fmt.Print(m)
	for _, pair := range m.MostConfused(1) {
		fmt.Println(pair)
	}
	for _, l := range table.TopLosses(2) {
		fmt.Printf("%s loss %.3f\n", l.Path, l.Loss)
	}
	// Output:
	// actual \ predicted 0 1
	//           beagle 0 1 1
	//              pug 1 · 2
	// beagle → pug: 1
	// b.jpg loss 1.204
	// c.jpg loss 0.223
}
