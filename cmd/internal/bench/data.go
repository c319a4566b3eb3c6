package bench

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
)

// Stage is the rate of one part of loading.
type Stage struct {
	Name         string  `json:"name"`
	ImagesPerSec float64 `json:"images_per_second"`
}

// DataReport is the outcome of Data.
type DataReport struct {
	Task     string `json:"task"` // data
	Pictures int    `json:"pictures"`
	Batch    int    `json:"batch"`
	Machine  Machine
	Stages   []Stage `json:"stages"`
	PeakRSS  int64   `json:"peak_rss_bytes"`
}

// Data measures the parts of loading, each alone and on all threads, and then
// the whole loader. l is a training loader.
func Data(ctx context.Context, l *data.Loader, budget time.Duration) (DataReport, error) {
	c := l.Config()
	items := c.Items[:min(len(c.Items), 4*c.BatchSize)]
	if len(items) < c.BatchSize {
		return DataReport{}, fmt.Errorf("bench: %d pictures do not fill a batch of %d: take a smaller --batch", len(items), c.BatchSize)
	}
	r := DataReport{Task: "data", Pictures: len(items), Batch: c.BatchSize, Machine: machine()}
	rate := func(name string, n int, body func() error) error {
		var count, rounds int
		if err := body(); err != nil { // warm
			return err
		}
		begin := time.Now()
		for ; rounds < 2 || time.Since(begin) < budget/4; rounds++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := body(); err != nil {
				return err
			}
			count += n
		}
		r.Stages = append(r.Stages, Stage{name, float64(count) / time.Since(begin).Seconds()})
		return nil
	}
	var failed atomic.Pointer[error]
	each := func(body func(i int) error) func() error {
		return func() error {
			parallel.For(len(items), func(i int) {
				if err := body(i); err != nil {
					failed.Store(&err)
				}
			})
			if e := failed.Load(); e != nil {
				return *e
			}
			return nil
		}
	}
	if err := rate("decode", len(items), each(func(i int) error {
		img, err := c.Source.Open(items[i])
		img.Free()
		return err
	})); err != nil {
		return r, err
	}

	opened, batch := make([]*data.Image, len(items)), make([]*data.Image, len(items))
	if err := each(func(i int) (err error) {
		opened[i], err = c.Source.Open(items[i])
		return err
	})(); err != nil {
		return r, err
	}
	copy(batch, opened)
	if c.ItemTransforms != nil {
		if err := rate("resize", len(items), each(func(i int) error {
			img, err := c.ItemTransforms.Apply(opened[i], true, rng.New(1, uint64(i)))
			if batch[i] != opened[i] {
				batch[i].Free()
			}
			batch[i] = img
			return err
		})); err != nil {
			return r, err
		}
	}
	batch = batch[:c.BatchSize]
	oh, ow := c.BatchTransforms.OutSize(batch[0].Height, batch[0].Width)
	x := tensor.New(len(batch), oh, ow, 3)
	k := uint64(0)
	if err := rate("augment and normalize", len(batch), func() error {
		k++
		return c.BatchTransforms.Apply(x, batch, true, rng.New(2, k))
	}); err != nil {
		return r, err
	}

	epochs, err := endless(l, 1<<20)
	if err != nil {
		return r, err
	}
	it := epochs.Epoch(ctx, 0, 0)
	defer it.Close()
	if err := rate("whole loader", c.BatchSize, func() error {
		b, err := it.Next()
		if err == nil {
			b.Release()
		}
		return err
	}); err != nil {
		return r, err
	}
	r.PeakRSS = PeakRSS()
	return r, nil
}

// endless returns a loader of l's items repeated until there are at least n
// batches or a thousand rounds, so that the ends of epochs are not measured.
func endless(l *data.Loader, n int) (*data.Loader, error) {
	c := l.Config()
	rounds := min(1000, (n*c.BatchSize+len(c.Items)-1)/len(c.Items))
	items, y := c.Items, c.Targets
	c.Items, c.Targets, c.DropLast, c.CacheBytes = nil, target.Targets{}, true, 0
	for range rounds {
		c.Items = append(c.Items, items...)
		c.Targets = c.Targets.Append(y)
	}
	return data.NewLoader(c)
}

// PipelineReport is the outcome of Pipeline.
type PipelineReport struct {
	Report
	// ComputeOnly is the rate on one batch in memory, measured before and after
	// the whole pipeline, and Share what the pipeline reaches of it.
	ComputeOnly float64 `json:"compute_only_images_per_second"`
	Share       float64 `json:"share_of_compute_only"`
	// CPUShare is the processor time of a step alone over that of a step with the
	// loading of its pictures: what Share would be on a machine that does nothing
	// else, if none were lost in between.
	CPUShare float64 `json:"share_of_cpu_time"`
	// Waited is the share of the pipeline's time in which the step waited for a
	// batch.
	Waited float64 `json:"waited"`
}

// Pipeline measures training of l on its own loader: decoding, transforms and
// steps at the same time; and next to it the steps alone.
func Pipeline(ctx context.Context, l *train.Learner, o Options) (PipelineReport, error) {
	loader, err := endless(l.DLs.Train, o.Warmup+o.Steps+1000)
	if err != nil {
		return PipelineReport{}, err
	}
	it := loader.Epoch(ctx, 0, 0)
	defer it.Close()
	o.Batch = loader.BatchSize()
	h := hypers(l)
	one, err := it.Next()
	if err != nil {
		return PipelineReport{}, err
	}
	// The loader goes on making batches until its queue is full, which the
	// warming-up steps leave time for.
	alone := func() (ms, cpu float64, err error) {
		var m meter
		part := o
		part.Warmup, part.Steps = max(2, o.Warmup), max(3, (o.Steps+1)/2)
		if err := m.run(ctx, part, func() error { return l.TrainBatch(one, h) }); err != nil {
			return 0, 0, err
		}
		return spread(m.times).Median, m.cpu.Seconds() * 1000 / float64(len(m.times)), nil
	}
	before, cpuBefore, err := alone()
	if err != nil {
		return PipelineReport{}, err
	}
	prof := autograd.NewProfile()
	l.Profile = prof
	m := meter{profile: prof}
	var waited time.Duration
	step := func() error {
		w := it.Waited()
		b, err := it.Next()
		if err == io.EOF {
			return fmt.Errorf("bench: no pictures left: measure fewer steps")
		}
		if err != nil {
			return err
		}
		waited = it.Waited() - w
		prof.Add("waiting for a batch", waited)
		err = l.TrainBatch(b, h)
		b.Release()
		return err
	}
	o.Warmup = max(o.Warmup, 2+loader.Config().Prefetch) // what the queue held
	if err := m.run(ctx, o, step); err != nil {
		return PipelineReport{}, err
	}
	l.Profile = nil
	after, cpuAfter, err := alone()
	if err != nil {
		return PipelineReport{}, err
	}
	one.Release()
	r := PipelineReport{Report: Report{Task: "train pipeline"}}
	if o.Frozen {
		r.Task = "train frozen pipeline"
	}
	flops, err := trainFLOPs(l.Model, o.Size, !o.Frozen || o.TrainBN, !o.Frozen)
	if err != nil {
		return PipelineReport{}, err
	}
	m.report(&r.Report, o, flops)
	runtime.KeepAlive(l) // its buffers are in the report
	// A wait in one step is paid for by none in the next: the mean is what counts.
	var total float64
	for _, t := range m.times {
		total += t
	}
	r.ImagesPerSec = float64(o.Batch*len(m.times)) / total * 1000
	r.ComputeOnly = float64(o.Batch) / ((before + after) / 2) * 1000
	r.Share = r.ImagesPerSec / r.ComputeOnly
	if r.CPUMS > 0 {
		r.CPUShare = (cpuBefore + cpuAfter) / 2 / r.CPUMS
	}
	for _, s := range r.Shares {
		if s.Kind == "waiting for a batch" {
			r.Waited = s.Share
		}
	}
	return r, nil
}
