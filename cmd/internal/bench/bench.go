// Package bench measures training, inference and loading as users run them:
// the same learner, compiled model and loaders as the command and the library.
package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Options says what to measure.
type Options struct {
	Arch    string        // see models.Names
	Size    int           // side of the network's input, in pixels
	Batch   int           // pictures in a batch
	Steps   int           // steps to measure; 0 measures for about Time
	Time    time.Duration // how long to measure when Steps is 0
	Warmup  int           // steps before that, which do not count
	Frozen  bool          // training: the body frozen, as fastai freezes it
	TrainBN bool          // frozen: the body's batch norms train all the same
	Classes int           // of the head
	OwnHead bool          // Infer: the architecture's own head in place of fastai's
}

// Check reports the first option that cannot be.
func (o Options) Check() error {
	arch, err := models.ByName(o.Arch)
	if err != nil {
		return fmt.Errorf("--arch: %w", err)
	}
	switch {
	case o.Size < 1 || o.Size > 1<<12:
		return fmt.Errorf("--size %d: must be 1 to 4096 pixels", o.Size)
	case o.Size < arch.MinSize:
		return fmt.Errorf("--size %d: %s needs pictures of %d pixels at least", o.Size, arch.Name, arch.MinSize)
	case o.Batch < 1 || o.Batch > 1<<16:
		return fmt.Errorf("--batch %d: must be 1 to 65536", o.Batch)
	case o.Steps < 0 || o.Warmup < 0:
		return fmt.Errorf("--steps %d and --warmup %d: must not be negative", o.Steps, o.Warmup)
	case o.Steps == 0 && o.Time <= 0:
		return fmt.Errorf("--time %v: must be above 0 when --steps is 0", o.Time)
	case o.Classes < 2:
		return fmt.Errorf("%d classes: a classifier has at least 2", o.Classes)
	}
	return nil
}

// Spread sums up repeated measurements.
type Spread struct {
	Min    float64 `json:"min"`
	Q1     float64 `json:"q1"`
	Median float64 `json:"median"`
	Q3     float64 `json:"q3"`
	Max    float64 `json:"max"`
}

// spread returns the quartiles of v by linear interpolation; v is sorted.
func spread(v []float64) Spread {
	slices.Sort(v)
	at := func(q float64) float64 {
		p := q * float64(len(v)-1)
		i := int(p)
		if i+1 >= len(v) {
			return v[i]
		}
		return v[i] + (p-float64(i))*(v[i+1]-v[i])
	}
	return Spread{v[0], at(0.25), at(0.5), at(0.75), v[len(v)-1]}
}

// Share is the part of the time that one kind of operation takes.
type Share struct {
	Kind  string  `json:"kind"`
	MS    float64 `json:"ms"`    // per step
	Share float64 `json:"share"` // of the step, 0 to 1
}

// Report is the outcome of Train or Infer.
type Report struct {
	Task    string  `json:"task"` // train, train frozen, infer
	Arch    string  `json:"arch"`
	Size    int     `json:"size"`
	Batch   int     `json:"batch"`
	Steps   int     `json:"steps"` // measured
	Machine Machine `json:"machine"`

	StepMS       Spread  `json:"step_ms"`
	ImagesPerSec float64 `json:"images_per_second"` // Batch over the median step
	// CPUMS is the processor time of all threads per step, in user and system
	// mode, which other work on the machine disturbs less than StepMS; 0 where it
	// is not known.
	CPUMS float64 `json:"cpu_ms_per_step"`
	// GFLOPS is what direct convolution would have to do, 2 for each
	// multiplication and addition, over the median time: Winograd and its like
	// do less, which is why it may exceed the machine's peak.
	GFLOPS float64 `json:"effective_gflops"`
	Shares []Share `json:"shares"` // longest first

	PeakRSS int64 `json:"peak_rss_bytes"` // of the process; 0 where it is not known
	// Held is what the program keeps from one step for the next, most first.
	Held       []mem.Account `json:"held"`
	Allocs     float64       `json:"allocations_per_step"`
	AllocBytes float64       `json:"allocated_bytes_per_step"`
}

// Machine is where a measurement was made.
type Machine struct {
	Threads int    `json:"threads"`
	Level   string `json:"instruction_set"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Go      string `json:"go"`

	Processor string   `json:"processor,omitempty"` // its name, where the system tells
	Caches    []string `json:"caches,omitempty"`    // sizes for data, the nearest first, where the system tells
}

func machine() Machine {
	return Machine{Threads: parallel.Threads(), Level: isa.Active().String(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Processor: processorName(), Caches: caches()}
}

// meter times steps.
type meter struct {
	times   []float64     // ms
	cpu     time.Duration // of all steps
	profile *autograd.Profile
	before  runtime.MemStats
	after   runtime.MemStats
}

// run warms up and then measures step until enough is known or ctx ends.
func (m *meter) run(ctx context.Context, o Options, step func() error) error {
	for range o.Warmup {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	if m.profile != nil {
		m.profile.Reset()
	}
	runtime.GC() // what building the model left behind is not the steps' doing
	runtime.ReadMemStats(&m.before)
	begin, busy := time.Now(), cpuTime()
	for n := 0; o.Steps > 0 && n < o.Steps || o.Steps == 0 && (n < 3 || time.Since(begin) < o.Time); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := step(); err != nil {
			return err
		}
		m.times = append(m.times, time.Since(start).Seconds()*1000)
	}
	m.cpu = cpuTime() - busy
	runtime.ReadMemStats(&m.after)
	return nil
}

// report fills in what follows from the measured times; flops is per picture.
func (m *meter) report(r *Report, o Options, flops float64) {
	n := float64(len(m.times))
	var total float64
	for _, t := range m.times {
		total += t
	}
	r.Arch, r.Size, r.Batch, r.Steps, r.Machine = o.Arch, o.Size, o.Batch, len(m.times), machine()
	r.StepMS = spread(m.times)
	r.ImagesPerSec = float64(o.Batch) / r.StepMS.Median * 1000
	r.CPUMS = m.cpu.Seconds() * 1000 / n
	r.GFLOPS = r.ImagesPerSec * flops / 1e9
	r.Allocs = float64(m.after.Mallocs-m.before.Mallocs) / n
	r.AllocBytes = float64(m.after.TotalAlloc-m.before.TotalAlloc) / n
	var known float64
	for _, s := range m.profile.Shares() {
		ms := s.Time.Seconds() * 1000
		known += ms
		r.Shares = append(r.Shares, Share{s.Kind, ms / n, ms / total})
	}
	r.Shares = append(r.Shares, Share{"other", (total - known) / n, (total - known) / total})
	r.PeakRSS = PeakRSS()
	r.Held = mem.Held()
}

// normal returns n pictures of independent normal values, the distribution that
// normalized photographs have per channel.
func normal(n, size int) *tensor.Tensor {
	r := rng.New(1)
	x := tensor.New(n, size, size, 3)
	for i := range x.Data {
		x.Data[i] = float32(r.Normal())
	}
	return x
}

func labels(n, classes int) []int {
	y := make([]int, n)
	for i := range y {
		y[i] = i % classes
	}
	return y
}

func vocabulary(classes int) []string {
	v := make([]string, classes)
	for i := range v {
		v[i] = fmt.Sprintf("class%03d", i)
	}
	return v
}

// fixed returns a batch that can be used again and again.
func fixed(o Options) *data.Batch {
	return &data.Batch{X: normal(o.Batch, o.Size), Y: target.Classes(labels(o.Batch, o.Classes))}
}
