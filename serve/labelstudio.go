package serve

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
)

// studioRoutes adds the requests that Label Studio makes of a machine-learning back end, below /label-studio
// for the first model and below /label-studio/models/NAME for another.
func (s *Server) studioRoutes(handle func(pattern string, h http.Handler)) {
	for _, at := range []string{"/label-studio", "/label-studio/models/{model}"} {
		for _, path := range []string{at, at + "/{$}", at + "/health"} {
			handle("GET "+path, s.light(path, s.studioHealth))
		}
		handle("GET "+at+"/versions", s.light(at+"/versions", s.studioVersions))
		for path, h := range map[string]handler{"setup": s.studioHandler(s.studioSetup), "predict": s.studioHandler(s.studioPredict), "versions": s.studioVersions,
			"webhook": s.studioWebhook, "train": s.studioTrain, "fit": s.studioTrain} {
			handle("POST "+at+"/"+path, s.work(at+"/"+path, h))
		}
	}
}

// studioHealth is GET /label-studio/health: the process answers.
func (s *Server) studioHealth(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.find(r.PathValue("model")); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "UP", "model_class": "whippet"})
	return nil
}

// studioVersion is the version of a model as Label Studio shows it beside its predictions. It
// changes with the file, upon which Label Studio asks again.
func studioVersion(m *model, in *instance) string { return m.file.Name + ":" + in.version }

// studioVersions is /label-studio/versions. There is one: the one that is served.
func (s *Server) studioVersions(w http.ResponseWriter, r *http.Request) error {
	m, err := s.find(r.PathValue("model"))
	if err != nil {
		return err
	}
	in := m.acquire()
	defer m.release(in)
	writeJSON(w, http.StatusOK, map[string][]string{"versions": {studioVersion(m, in)}})
	return nil
}

// studioHandler answers a request about a model.
func (s *Server) studioHandler(answer func(ctx context.Context, m *model, in *instance, q *studioRequest) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		m, err := s.find(r.PathValue("model"))
		if err != nil {
			return err
		}
		b, done, err := s.body(w, r)
		if err != nil {
			return err
		}
		defer done()
		q, err := parseStudio(b)
		if err != nil {
			return err
		}
		in := m.acquire()
		defer m.release(in)
		a, err := answer(r.Context(), m, in, q)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, a)
		return nil
	}
}

// studioSetup is POST /label-studio/setup: it refuses a project that the model can say nothing about.
// The address and the token in the request are not used: they come from whoever asks.
func (s *Server) studioSetup(_ context.Context, m *model, in *instance, q *studioRequest) (any, error) {
	if q.config != "" { // a connection is tried without a project's
		if _, err := studioTags(q.config, in); err != nil {
			return nil, err
		}
	}
	return map[string]string{"model_version": studioVersion(m, in)}, nil
}

// studioTags reads a project's labeling interface, for the labels of a model.
func studioTags(config string, in *instance) (*studioInterface, error) {
	if task.Continuous(in.p.Task()) {
		return nil, fail(http.StatusBadRequest, "studio", "the model answers with numbers, which are no choices")
	}
	tags, err := parseInterface(config)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "studio", "the labeling interface: %v", err)
	}
	if !slices.ContainsFunc(in.labels, func(l string) bool { _, ok := tags.choice(l); return ok }) {
		return nil, fail(http.StatusBadRequest, "studio", "none of the model's classes (%.200s) is a choice of the labeling interface", strings.Join(in.labels, ", "))
	}
	return tags, nil
}

// studioResult is the prediction for a task. One without Result is passed over by Label Studio,
// which writes it to its log.
type studioResult struct {
	Result       []studioRegion `json:"result,omitempty"`
	Score        float32        `json:"score,omitempty"`
	ModelVersion string         `json:"model_version"`
	Error        string         `json:"error,omitempty"`
}

type studioRegion struct {
	FromName string              `json:"from_name"`
	ToName   string              `json:"to_name"`
	Type     string              `json:"type"`
	Value    map[string][]string `json:"value"`
}

// studioPredict is POST /label-studio/predict: choices for the picture of each task, in order. A task that has no
// answer has an "error" instead.
func (s *Server) studioPredict(ctx context.Context, m *model, in *instance, q *studioRequest) (any, error) {
	tags, err := studioTags(q.config, in)
	if err != nil {
		return nil, err
	}
	tasks, err := q.pictures(tags.variable)
	if err != nil {
		return nil, err
	}
	results := make([]studioResult, 0, len(tasks))
	for some := range slices.Chunk(tasks, min(s.opts.MaxPictures, s.opts.Queue)) {
		answers, errs, err := s.classifyAll(ctx, m, in, len(some), func(i int, dst []float32) error {
			picture, done, err := s.studio.open(ctx, some[i])
			if err != nil {
				return err
			}
			defer done()
			return in.p.Prepare(ctx, dst, picture)
		})
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, a := range answers {
			result := studioResult{ModelVersion: studioVersion(m, in)}
			if errs[i] != nil {
				result.Error = s.classify(errs[i]).msg
			} else {
				result.answer(a, tags)
			}
			if result.Error != "" {
				s.opts.Log.Warn("no prediction for Label Studio", "model", m.file.Name, "picture", shortened(some[i]), "reason", result.Error)
			}
			results = append(results, result)
		}
	}
	return map[string]any{"results": results, "model_version": studioVersion(m, in)}, nil
}

// answer puts a prediction into r. Its score is the probability of the class or, of several labels, of the least
// probable that was answered, and where none was, how sure that is: by it, tasks are sorted.
func (r *studioResult) answer(a predict.Prediction, tags *studioInterface) {
	if reasons := a.Reasons(); len(reasons) > 0 {
		r.Error = "the model abstains: its answer is unknown"
		return
	}
	choices := []string{}
	for _, l := range a.Labels() {
		c, ok := tags.choice(l)
		if !ok {
			r.Error = fmt.Sprintf("the model answers %q, which is no choice of the labeling interface", l)
			return
		}
		choices = append(choices, c)
	}
	r.Score = 1 - a.Score()
	for i, k := range a.Classes() {
		if i == 0 || a.Probs[k] < r.Score {
			r.Score = a.Probs[k]
		}
	}
	r.Result = []studioRegion{{FromName: tags.from, ToName: tags.to, Type: "choices", Value: map[string][]string{"choices": choices}}}
}

// shortened is the picture of a task for the log, where one within the task is long.
func shortened(ref string) string { return ref[:min(len(ref), 200)] }

// studioWebhook is POST /label-studio/webhook: Label Studio tells of annotations, which are its own to keep,
// and asks for training.
func (s *Server) studioWebhook(w http.ResponseWriter, r *http.Request) error {
	b, done, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	q, err := parseStudio(b)
	if err != nil {
		return err
	}
	if q.action == "START_TRAINING" {
		return errStudioTrain
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ignored"})
	return nil
}

var errStudioTrain = fail(http.StatusNotImplemented, "studio", "this service does not train: export the project as CSV, give it to whippet train, and put the new model in the place of the old one, which is loaded at once (docs/label-studio.md)")

// studioTrain is POST /label-studio/train and /label-studio/fit, which say how to train.
func (s *Server) studioTrain(w http.ResponseWriter, r *http.Request) error {
	_, done, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	return errStudioTrain
}

// studioRequest is what is used of any of Label Studio's requests.
type studioRequest struct {
	config string // the labeling interface: label_config of predict, schema of setup
	action string
	body   []byte
}

// maxStudioTasks bounds the tasks of a request.
const maxStudioTasks = 1000

// parseStudio reads a request but for its tasks.
func parseStudio(body []byte) (*studioRequest, error) {
	q := &studioRequest{body: bytes.TrimPrefix(body, []byte("\ufeff"))}
	s := &scanner{b: q.body}
	err := s.object(func(key []byte) error {
		into := map[string]*string{"label_config": &q.config, "schema": &q.config, "action": &q.action}[string(key)]
		if into == nil || s.peek() != '"' {
			return s.skip()
		}
		text, err := s.copied()
		*into = cmp.Or(*into, text)
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, fail(http.StatusBadRequest, "studio", "the request is not JSON as Label Studio sends it: %v", err)
	}
	return q, nil
}

// copied reads a string without changing the bytes that are scanned, which are scanned again.
func (s *scanner) copied() (string, error) {
	s.peek()
	from := s.i
	if _, _, err := s.raw(); err != nil {
		return "", err
	}
	text, err := (&scanner{b: bytes.Clone(s.b[from:s.i])}).str()
	return string(text), err
}

// pictures returns where the picture of each task is: the value of a variable of its data, "" where it has none.
func (q *studioRequest) pictures(variable string) ([]string, error) {
	var refs []string
	s := &scanner{b: q.body}
	find := func(name string, read func() error) func() error {
		return func() error {
			if s.peek() != '{' {
				return s.skip()
			}
			return s.object(func(key []byte) error {
				if string(key) != name {
					return s.skip()
				}
				return read()
			})
		}
	}
	one := find("data", find(variable, func() (err error) {
		if s.peek() != '"' {
			return s.skip()
		}
		refs[len(refs)-1], err = s.copied()
		return err
	}))
	err := find("tasks", func() error {
		return s.array(func(int) error {
			if len(refs) == maxStudioTasks {
				return fail(http.StatusRequestEntityTooLarge, "pictures", "more than %d tasks in one request, the limit", maxStudioTasks)
			}
			refs = append(refs, "")
			return one()
		})
	})()
	if err == nil && len(refs) == 0 {
		return nil, fail(http.StatusBadRequest, "studio", "the request has no tasks")
	}
	return refs, err
}
