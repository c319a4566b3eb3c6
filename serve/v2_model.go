package serve

import (
	"errors"
	"io"
	"net/http"
)

// v2ConfigTensor describes an input or output in a model's configuration.
type v2ConfigTensor struct {
	Name string `json:"name"`
	Type string `json:"data_type"`
	Dims []int  `json:"dims"` // with the batch; -1 is any size
}

// v2Config is GET /v2/models/NAME/config, in the words of Triton's model
// configuration. max_batch_size is 0, which there means that shapes are whole:
// the output "labels" has no batch. The batch that the model takes is a
// parameter, max_pictures.
func (s *Server) v2Config(w http.ResponseWriter, r *http.Request) error {
	m, in, err := s.v2Find(r)
	if err != nil {
		return err
	}
	defer m.release(in)
	tensors := func(list []v2Tensor) []v2ConfigTensor {
		out := make([]v2ConfigTensor, len(list))
		for i, t := range list {
			out[i] = v2ConfigTensor{t.Name, map[string]string{"BYTES": "TYPE_STRING", "FP32": "TYPE_FP32"}[t.Datatype], t.Shape}
		}
		return out
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"name": m.file.Name, "platform": in.platform(), "backend": "whippet", "max_batch_size": 0,
		"version_policy": map[string]any{"latest": map[string]int{"num_versions": 1}},
		"input":          tensors(in.inputs()), "output": tensors(in.outputs()),
		"dynamic_batching": map[string]any{"preferred_batch_size": []int{s.opts.MaxBatch},
			"max_queue_delay_microseconds": max(s.opts.MaxWait.Microseconds(), 0)},
		"parameters": map[string]any{"max_pictures": map[string]int{"int_value": s.opts.MaxPictures}},
	})
	return nil
}

// v2Indexed is a model in the index of the repository.
type v2Indexed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
}

// v2Index is POST /v2/repository/index. The body may be empty, or {"ready":true}
// for the models that are ready, which all are.
func (s *Server) v2Index(w http.ResponseWriter, r *http.Request) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	if err != nil {
		return err
	}
	in := &scanner{b: b}
	if in.peek(); in.i < len(b) {
		err := in.object(func(key []byte) error {
			if string(key) != "ready" {
				return errors.New(`the only key is "ready"`)
			}
			_, err := in.boolean()
			return err
		})
		if err == nil {
			err = in.end()
		}
		if err != nil {
			return fail(http.StatusBadRequest, "inference", "the body is no index request, as {\"ready\":true}: %.200s", err)
		}
	}
	out := make([]v2Indexed, len(s.models))
	for i, m := range s.models {
		in := m.acquire()
		out[i] = v2Indexed{Name: m.file.Name, Version: in.version, State: "READY"}
		m.release(in)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
