// Handler answers POST requests whose body is a picture with the model's three
// best classes as JSON:
//
//	go run ./examples/handler runs/pets/model.safetensors
//	curl --data-binary @cat.jpg localhost:8080
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/vision"
)

func classify(p *predict.Predictor) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := p.Picture(r.Context(), http.MaxBytesReader(w, r.Body, 10<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer.Top(3))
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: handler MODEL")
	}
	p, err := predict.Load(os.Args[1], predict.Options{Decode: vision.DecodeOptions{MaxPixels: 50e6}})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", classify(p)))
}
