package confidence_test

import (
	"fmt"
	"log"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// What is fitted on pictures that did not train a classifier of two classes, from the scores that it
// gave them: it is right about nine of ten, and surer than that.
func Example() {
	const n = 20
	logits, class := tensor.New(n, 2), make([]int, n)
	for i := range n {
		logits.Data[2*i] = 4 + float32(i)/10 // class 0, by 98 % and more
		if i%10 == 0 {
			class[i] = 1
		}
	}
	temperature, err := confidence.Temperature(logits, target.Classes(class))
	if err != nil {
		log.Fatal(err)
	}
	for i := range logits.Data {
		logits.Data[i] /= float32(temperature)
	}
	p, err := loss.Softmax(logits)
	if err != nil {
		log.Fatal(err)
	}
	var judged []confidence.Judged
	var rows [][]float32
	for i := range n {
		row := p.Data[2*i : 2*i+2]
		rows = append(rows, row)
		judged = append(judged, confidence.Judged{Score: row[0], Right: class[i] == 0})
	}
	abstention, err := confidence.AbstainByCoverage(judged, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	sets, err := confidence.FitConformal(rows, class, 0.95)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("temperature %.1f\n", temperature)
	fmt.Printf("unknown below %.2f\n", abstention.Below)
	fmt.Printf("sets of %.1f classes have the right one for %.0f %% of the pictures\n", sets.Size, 100*sets.Covered)
	// Output:
	// temperature 2.2
	// unknown below 0.91
	// sets of 1.6 classes have the right one for 100 % of the pictures
}

// A picture like those of a class is near to it, another one far from all.
func ExampleFitStrangeness() {
	features := tensor.FromSlice([]float32{0, 1, 1, 0, 0, 0, 1, 1, 8, 9, 9, 8, 8, 8, 9, 9}, 8, 2)
	s, err := confidence.FitStrangeness(features, []int{0, 0, 0, 0, 1, 1, 1, 1}, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range [][]float32{{0.5, 0.5}, {8, 9}, {9, 0}} {
		fmt.Printf("%.1f\n", s.Distance(x))
	}
	// Output:
	// 0.0
	// 0.2
	// 2.3
}

// Of five pictures the two to label next: the one that the classifier is least sure of, and then not
// its double, but one that looks otherwise.
func ExampleDiverse() {
	uncertainty := []float64{0.1, 0.9, 0.89, 0.2, 0.6}
	features := [][]float32{{1, 0}, {1, 0.1}, {1, 0.1}, {0.9, 0.2}, {0, 1}}
	for _, p := range confidence.Diverse(uncertainty, features, 2) {
		fmt.Println(p.Index)
	}
	// Output:
	// 1
	// 4
}
