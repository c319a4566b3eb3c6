package serve

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
)

// The Open Inference Protocol, version 2, over REST
// (https://github.com/kserve/open-inference-protocol). A model has two possible
// inputs, of which a request gives one:
//
//	image   BYTES [N]        encoded pictures, base64 in JSON; [N,1] is taken too
//	input   FP32 [N,3,S,S]   normalized RGB, as an exported ONNX model takes it
//
// and the outputs
//
//	probabilities   FP32 [N,classes]
//	label           BYTES [N]          the most probable class, or "unknown" where the model abstains
//	labels          BYTES [classes]    all classes, in the order of probabilities
//	reasons         BYTES [N]          why the model abstains, or ""; of models that may abstain only
//	set             BYTES [N]          the classes among which the right one is as often as the model states, a list in JSON; of models that make sets only
//	strangeness     FP32 [N]           how unlike those of training the picture is; of models that measure it only
//
// or, where the model predicts numbers,
//
//	numbers         FP32 [N,numbers]
//	labels          BYTES [numbers]    their names, in order
//
// Without "outputs" in the request all of them are answered, as the protocol has
// it. Tensors can be binary, see binaryHeader.
const (
	inputImage    = "image"
	inputTensor   = "input"
	outputProbs   = "probabilities"
	outputNumbers = "numbers"
	outputLabel   = "label"
	outputClasses = "labels"
	outputReasons = "reasons"
	outputSet     = "set"

	outputStrangeness = "strangeness"
)

// v2Tensor describes an input or output of a model.
type v2Tensor struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"` // -1 is any size
}

// v2Extensions are those of Triton's that the service has.
var v2Extensions = []string{binaryExtension, "classification", "model_configuration", "statistics"}

// inputs and outputs describe a model's tensors, platform its network.
func (in *instance) inputs() []v2Tensor {
	size := in.p.InputSize()
	return []v2Tensor{{inputImage, "BYTES", []int{-1}}, {inputTensor, "FP32", []int{-1, 3, size, size}}}
}

func (in *instance) outputs() []v2Tensor {
	if task.Continuous(in.p.Task()) {
		return []v2Tensor{{outputNumbers, "FP32", []int{-1, len(in.labels)}}, {outputClasses, "BYTES", []int{len(in.labels)}}}
	}
	outs := []v2Tensor{{outputProbs, "FP32", []int{-1, len(in.labels)}}, {outputLabel, "BYTES", []int{-1}},
		{outputClasses, "BYTES", []int{len(in.labels)}}}
	if in.p.Abstains() {
		outs = append(outs, v2Tensor{outputReasons, "BYTES", []int{-1}})
	}
	if in.p.Sets() {
		outs = append(outs, v2Tensor{outputSet, "BYTES", []int{-1}})
	}
	if in.p.Strange() {
		outs = append(outs, v2Tensor{outputStrangeness, "FP32", []int{-1}})
	}
	return outs
}

func (in *instance) platform() string { return "whippet_" + in.p.Info().Arch }

func (s *Server) v2Server(w http.ResponseWriter, _ *http.Request) error {
	version := "(devel)"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		version = b.Main.Version
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": "whippet", "version": version, "extensions": v2Extensions})
	return nil
}

func (s *Server) v2Live(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]bool{"live": true})
	return nil
}

func (s *Server) v2Ready(w http.ResponseWriter, _ *http.Request) error {
	status := http.StatusOK
	if s.drains.Load() {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]bool{"ready": status == http.StatusOK})
	return nil
}

// v2Find returns the model and the version that a request's path names.
func (s *Server) v2Find(r *http.Request) (*model, *instance, error) {
	m := s.byName[r.PathValue("model")]
	if m == nil {
		return nil, nil, fail(http.StatusNotFound, "model", "there is no model %.100q", r.PathValue("model"))
	}
	in := m.acquire()
	if v := r.PathValue("version"); v != "" && v != in.version {
		defer m.release(in)
		return nil, nil, fail(http.StatusNotFound, "model", "model %s has version %s only, not %.100q", m.file.Name, in.version, v)
	}
	return m, in, nil
}

func (s *Server) v2Model(w http.ResponseWriter, r *http.Request) error {
	m, in, err := s.v2Find(r)
	if err != nil {
		return err
	}
	defer m.release(in)
	writeJSON(w, http.StatusOK, map[string]any{
		"name": m.file.Name, "versions": []string{in.version}, "platform": in.platform(),
		"inputs": in.inputs(), "outputs": in.outputs(),
	})
	return nil
}

func (s *Server) v2ModelReady(w http.ResponseWriter, r *http.Request) error {
	m, in, err := s.v2Find(r)
	if err != nil {
		return err
	}
	m.release(in)
	status := http.StatusOK
	if s.drains.Load() {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]any{"name": m.file.Name, "ready": status == http.StatusOK})
	return nil
}

// v2Output is an output of an inference.
type v2Output struct {
	v2Tensor
	Parameters map[string]int `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"`
}

// v2Answer is the answer to an inference.
type v2Answer struct {
	Model   string     `json:"model_name"`
	Version string     `json:"model_version"`
	ID      *string    `json:"id,omitempty"`
	Outputs []v2Output `json:"outputs"`
}

// v2Infer is POST /v2/models/NAME/infer.
func (s *Server) v2Infer(w http.ResponseWriter, r *http.Request) error {
	if err := known(r); err != nil {
		return err
	}
	m, in, err := s.v2Find(r)
	if err != nil {
		return err
	}
	defer m.release(in)
	body, done, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	text, raw, err := cutBody(body, strings.Join(r.Header.Values(binaryHeader), ", "))
	if err != nil {
		return err
	}
	var offered []string
	for _, o := range in.outputs() {
		offered = append(offered, o.Name)
	}
	req, err := parseInfer(text, raw, in.p.InputSize(), s.opts.MaxPictures, offered)
	if err != nil {
		return err
	}
	answers, errs, err := s.classifyAll(r.Context(), m, in, req.n, func(i int, dst []float32) error {
		if req.images != nil {
			return in.p.Prepare(r.Context(), dst, req.images[i])
		}
		return req.tensor.picture(i, dst)
	})
	if err != nil {
		return err
	}
	for i, err := range errs { // the protocol has no answer for a part
		if err != nil {
			if req.n > 1 {
				e := s.classify(err)
				return fail(e.status, e.reason, "element %d of the batch: %s", i, e.msg)
			}
			return err
		}
	}
	return writeInfer(w, v2Answer{m.file.Name, in.version, req.id, req.answer(answers, in.labels)}, req.raw)
}

// answer builds the outputs that were asked for.
func (q *inferRequest) answer(answers []predict.Prediction, labels []string) []v2Output {
	n := len(answers)
	var outs []v2Output
	for _, name := range q.outputs {
		switch name {
		case outputProbs, outputNumbers:
			if q.classes > 0 {
				outs = append(outs, classification(answers, labels, q.classes))
				continue
			}
			probs := make([]float32, 0, n*len(labels))
			for _, a := range answers {
				probs = append(probs, a.Probs...)
			}
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "FP32", []int{n, len(labels)}}, Data: probs})
		case outputLabel:
			best := make([]string, n)
			for i, a := range answers {
				best[i] = strings.Join(a.Answer(), ", ")
			}
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "BYTES", []int{n}}, Data: best})
		case outputReasons:
			why := make([]string, n)
			for i, a := range answers {
				var all []string
				for _, r := range a.Reasons() {
					all = append(all, r.Text)
				}
				why[i] = strings.Join(all, "; ")
			}
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "BYTES", []int{n}}, Data: why})
		case outputSet:
			sets := make([]string, n)
			for i, a := range answers {
				b, _ := json.Marshal(a.Set()) // strings have no error
				sets[i] = string(b)
			}
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "BYTES", []int{n}}, Data: sets})
		case outputStrangeness:
			far := make([]float32, n)
			for i, a := range answers {
				v, _ := a.Strangeness()
				far[i] = float32(min(v, math.MaxFloat32))
			}
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "FP32", []int{n}}, Data: far})
		case outputClasses:
			outs = append(outs, v2Output{v2Tensor: v2Tensor{name, "BYTES", []int{len(labels)}}, Data: labels})
		}
	}
	return outs
}

// classification is the output of probabilities as Triton's classification
// extension has it: for each picture its k most probable classes, as
// "probability:index:label".
func classification(answers []predict.Prediction, labels []string, k int) v2Output {
	k = min(k, len(labels))
	out := make([]string, 0, len(answers)*k)
	for _, a := range answers {
		order := make([]int, len(labels))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a.Probs[j], a.Probs[i]) })
		for _, i := range order[:k] {
			out = append(out, fmt.Sprintf("%f:%d:%s", a.Probs[i], i, labels[i]))
		}
	}
	return v2Output{v2Tensor: v2Tensor{outputProbs, "BYTES", []int{len(answers), k}}, Data: out}
}
