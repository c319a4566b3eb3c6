// Package serve answers HTTP requests with classifications: a small JSON
// interface, the Open Inference Protocol (v2 REST), Prometheus metrics, health
// checks, and a web page for people.
//
//	s, err := serve.New(serve.Options{}, serve.ModelFile{Name: "pets", Path: "runs/pets/model.safetensors"})
//	err = s.ListenAndServe(ctx, "localhost:8080")
//
// Pictures of different requests go through the network together (dynamic
// batching). Everything a stranger can make grow is bounded: connections,
// requests, bytes of bodies held, pixels, pictures waiting, time; what is beyond
// is refused with a 4xx or 5xx status that says which limit and what to do. See
// Options for the limits and docs/limits.md for the table.
package serve
