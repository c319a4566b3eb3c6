package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/whippet-ml/whippet/interpret/gradcam"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/task"
)

// ModelFile names a model and the file it is loaded from, and again when the
// file changes.
type ModelFile struct {
	// Name is how requests call it: letters, digits, '.', '_' and '-', 1 to 100
	// characters.
	Name string
	Path string // a .safetensors file that training saved
	// Open, if not nil, loads the model in another way when Path is to be loaded, such
	// as weights with their authors' head (package pretrained).
	Open func() (*models.Classifier, models.Info, error)
}

func (f ModelFile) load(o predict.Options) (*predict.Predictor, error) {
	if f.Open == nil {
		return predict.Load(f.Path, o)
	}
	c, info, err := f.Open()
	if err != nil {
		return nil, err
	}
	return predict.New(c, info, o)
}

var modelName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// model is a named model. What is loaded can be replaced while requests use it.
type model struct {
	file ModelFile
	opts Options
	m    *serverMetrics

	mu      sync.Mutex
	now     *instance
	stamp   stamp // of the file that was loaded or tried last
	reloads sync.Mutex
	retired sync.WaitGroup // instances that are still finishing
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

// instance is one loaded version of a model.
type instance struct {
	p       *predict.Predictor
	b       *batcher
	cam     *gradcam.Mapper
	version string // the file's modification time, as a label for people
	labels  []string
	stats   statistics

	users int // requests that hold it, and one for being the current one; under model.mu
}

func newModel(f ModelFile, o Options, m *serverMetrics) (*model, error) {
	if !modelName.MatchString(f.Name) {
		return nil, fmt.Errorf("serve: the model name %q: use 1 to 100 letters, digits, '.', '_' or '-'", f.Name)
	}
	md := &model{file: f, opts: o, m: m}
	in, st, err := md.load()
	if err != nil {
		return nil, err
	}
	md.now, md.stamp = in, st
	// Counters that begin at 0 rather than at their first event can be watched for
	// changes.
	for _, outcome := range []string{"done", "failed"} {
		m.reloads.WithLabelValues(f.Name, outcome)
	}
	for _, outcome := range []string{"classified", "failed"} {
		m.pictures.WithLabelValues(f.Name, outcome)
	}
	if in.p.Info().Abstention != nil {
		m.unknown.WithLabelValues(f.Name, task.ReasonScore)
	}
	if in.p.Strange() {
		m.unknown.WithLabelValues(f.Name, task.ReasonStrangeness)
		m.strangeness.WithLabelValues(f.Name)
	}
	return md, nil
}

func (m *model) load() (*instance, stamp, error) {
	info, err := os.Stat(m.file.Path)
	if err != nil {
		return nil, stamp{}, err
	}
	st := stamp{info.ModTime(), info.Size()}
	p, err := m.file.load(m.opts.predictor())
	if err != nil {
		return nil, st, err
	}
	// A file that is not its author's network gives no answers, so one is asked
	// for before any user asks; it also warms the buffers.
	if _, err := p.Inputs(context.Background(), make([]float32, 3*p.InputSize()*p.InputSize())); err != nil {
		return nil, st, fmt.Errorf("%s: trying the model: %w", m.file.Path, err)
	}
	in := &instance{p: p, users: 1, version: info.ModTime().UTC().Format("20060102T150405.000"), labels: p.Labels()}
	if !m.opts.NoPage {
		if in.cam, err = gradcam.New(p.Model()); err != nil && !errors.Is(err, gradcam.ErrPooled) {
			return nil, st, fmt.Errorf("%s: %w", m.file.Path, err)
		}
	}
	in.b = newBatcher(p, p.Options().Batch, m.opts.MaxWait, m.opts.Queue, m.opts.Timeout/4, func(n int, took time.Duration) {
		in.stats.batch(n, took)
		m.m.batchSize.WithLabelValues(m.file.Name).Observe(float64(n))
		m.m.batchSeconds.WithLabelValues(m.file.Name).Observe(took.Seconds())
	})
	return in, st, nil
}

// acquire returns the current version; the caller calls release when it is done
// with it. A version that was replaced lives until its last user is done.
func (m *model) acquire() *instance {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.users++
	return m.now
}

func (m *model) release(in *instance) {
	m.mu.Lock()
	in.users--
	last := in.users == 0
	m.mu.Unlock()
	if last {
		in.b.close()
		m.retired.Done()
	}
}

// queued is how many pictures the current version holds.
func (m *model) queued() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.b.waiting()
}

// changed reports whether the file is another than the one loaded or tried last.
func (m *model) changed() bool {
	info, err := os.Stat(m.file.Path)
	if err != nil {
		return false // being replaced, or gone: what is loaded serves on
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return stamp{info.ModTime(), info.Size()} != m.stamp
}

// reload loads the file again. Requests under way finish with the version they
// began with; when loading fails, the old version stays and the error says why.
func (m *model) reload() error {
	m.reloads.Lock()
	defer m.reloads.Unlock()
	start := time.Now()
	in, st, err := m.load()
	m.mu.Lock()
	m.stamp = st
	if err != nil {
		m.mu.Unlock()
		m.m.reloads.WithLabelValues(m.file.Name, "failed").Inc()
		m.opts.Log.Error("model not reloaded, the loaded one serves on", "model", m.file.Name, "path", m.file.Path, "error", err)
		return err
	}
	old := m.now
	m.now = in
	m.retired.Add(1)
	m.mu.Unlock()
	m.release(old)
	m.m.reloads.WithLabelValues(m.file.Name, "done").Inc()
	m.opts.Log.Info("model reloaded", "model", m.file.Name, "path", m.file.Path, "version", in.version,
		"classes", len(in.labels), slog.Duration("took", time.Since(start)))
	return nil
}

// close ends the current version when its last user is done, and waits for it.
func (m *model) close() {
	m.retired.Add(1)
	m.release(m.now)
	m.retired.Wait()
}
