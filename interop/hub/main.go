// Hub stands in for the Hugging Face Hub on this machine and downloads from it, so
// that another client of the Hub can be compared: hub_check.py runs it.
//
//	hub serve           prints the endpoint; the repository is org/net, the token hf_test
//	hub get FILE        downloads a file of org/net as Whippet does, prints its path
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/whippet-ml/whippet/internal/hub"
	"github.com/whippet-ml/whippet/internal/hub/localhub"
)

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		h := localhub.New()
		defer h.Close()
		h.Token = "hf_test"
		h.Put("org/net", map[string][]byte{
			"config.json":       []byte(`{"architecture": "resnet18"}`),
			"model.safetensors": bytes.Repeat([]byte("weights "), 1<<18),
		}).Gated = true
		fmt.Println(h.URL)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the caller closes it
	case len(os.Args) == 3 && os.Args[1] == "get":
		c, err := hub.FromEnvironment()
		if err != nil {
			log.Fatal(err)
		}
		repo, err := hub.ParseRepo("org/net")
		if err != nil {
			log.Fatal(err)
		}
		path, _, err := c.File(context.Background(), repo, os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(path)
	default:
		log.Fatal("usage: hub serve | hub get FILE")
	}
}
