// Command ranks measures a training step on several ranks, and the sum of its
// gradients alone: bench/ranks/namespaces runs it on a network of a chosen speed.
//
//	mpirun -np 2 ranks -arch resnet34 -batch 64 -shards 2 -steps 4
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/launcher"
	"github.com/whippet-ml/whippet/internal/mpi"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
)

func main() {
	log.SetFlags(0)
	arch := flag.String("arch", "resnet34", "architecture")
	batch := flag.Int("batch", 64, "pictures in a step, of all ranks together")
	size := flag.Int("size", 224, "side of the pictures")
	shards := flag.Int("shards", 2, "shards of a step")
	steps := flag.Int("steps", 3, "steps that count, after one that does not")
	threads := flag.Int("threads", 1, "threads that compute, on each rank")
	pairs := flag.Bool("pairs", false, "before each step, let every rank take one by itself, and compare")
	mb := flag.Int("sum", 0, "add up this many megabytes instead, as often as -steps says")
	flag.Parse()
	parallel.SetThreads(*threads)
	runtime.GOMAXPROCS(*threads + 1)

	var g distributed.Group = distributed.Alone{}
	end := os.Exit
	if l, launched := launcher.Detect(os.Getenv); launched {
		ranks, err := mpi.Start(l)
		if err != nil {
			log.Fatal(err)
		}
		g, end = ranks, ranks.Exit
	}
	measure := func() ([]time.Duration, error) {
		return trainSteps(g, setting{*arch, *batch, *size, *shards, max(*steps, 1), *pairs})
	}
	what := fmt.Sprintf("step of %s, batch %d, %d shards", *arch, *batch, *shards)
	if *mb > 0 {
		measure = func() ([]time.Duration, error) { return sums(g, *mb*1_000_000/4, *steps) }
		what = "sum of " + strconv.Itoa(*mb) + " MB"
	}
	times, err := measure()
	if err != nil {
		g.Abort(err)
		log.Fatal(err)
	}
	if g.Rank() == 0 && len(times) > 0 {
		fmt.Printf("%s, %d ranks of %d threads: best %.1f ms, median %.1f ms\n", what, g.Size(), *threads, ms(times[0]), ms(times[len(times)/2]))
	}
	end(0)
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

// sums adds n floats over the ranks, and returns the times in ascending order.
func sums(g distributed.Group, n, times int) (took []time.Duration, err error) {
	n = n / g.Size() * g.Size()
	s, err := distributed.NewSum(g, n)
	if err != nil {
		return nil, err
	}
	x := g.Buffer(n)
	for range times {
		for i := range x {
			x[i] = 1
		}
		if err := g.Barrier(); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := s.Add(x); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		if x[n-1] != float32(g.Size()) {
			return nil, fmt.Errorf("the sum of ones over %d ranks is %g", g.Size(), x[n-1])
		}
	}
	slices.Sort(took)
	return took, nil
}

// setting is what a step is made of.
type setting struct {
	arch                       string
	batch, size, shards, steps int
	pairs                      bool
}

// usage is what steps take: real time, and this process's time of processors.
type usage struct{ real, processor []time.Duration }

// measure takes a step and notes what it took.
func (u *usage) measure(step func() error) error {
	began, before := time.Now(), processorTime()
	err := step()
	u.real = append(u.real, time.Since(began))
	u.processor = append(u.processor, processorTime()-before)
	return err
}

// trainSteps takes steps of all ranks and returns the times of all but the first, in ascending order. With pairs,
// each comes after one that every rank takes by itself on its share of the pictures, which tells what the ranks cost
// each other on a machine whose speed changes.
func trainSteps(g distributed.Group, s setting) ([]time.Duration, error) {
	together, err := newStep(g, s)
	if err != nil {
		return nil, err
	}
	own := s
	own.batch, own.shards = s.batch/g.Size(), max(1, s.shards/g.Size())
	alone := func() error { return nil }
	if s.pairs {
		if alone, err = newStep(distributed.Alone{}, own); err != nil {
			return nil, err
		}
	}
	var one, all usage
	for range s.steps + 1 {
		for _, do := range []struct {
			step func() error
			took *usage
		}{{alone, &one}, {together, &all}} {
			if err := g.Barrier(); err != nil {
				return nil, err
			}
			if err := do.took.measure(do.step); err != nil {
				return nil, err
			}
		}
	}
	text := fmt.Sprintf("rank %d: a step takes %s", g.Rank(), all)
	if s.pairs {
		text += fmt.Sprintf("; alone, of %d pictures, %s", own.batch, one)
	}
	texts, err := g.AllGatherBytes([]byte(text))
	if err != nil {
		return nil, err
	}
	if g.Rank() == 0 {
		for _, t := range texts {
			fmt.Println(string(t))
		}
	}
	return slices.Sorted(slices.Values(all.real[1:])), nil
}

// String has the medians of all but the first step.
func (u usage) String() string {
	median := func(d []time.Duration) float64 { return ms(slices.Sorted(slices.Values(d[1:]))[len(d[1:])/2]) }
	return fmt.Sprintf("%.1f ms, of processors %.1f ms (medians)", median(u.real), median(u.processor))
}

// newStep returns a step of training on a batch of noise.
func newStep(g distributed.Group, s setting) (func() error, error) {
	arch, err := models.ByName(s.arch)
	if err != nil {
		return nil, err
	}
	const classes = 37
	vocab := make([]string, classes)
	for i := range vocab {
		vocab[i] = strconv.Itoa(i)
	}
	l, err := train.New(&data.DataLoaders{Vocab: vocab}, models.NewClassifier(arch, classes, rng.New(1)), train.Shards(s.shards), train.Distributed(g))
	if err != nil {
		return nil, err
	}
	b := &data.Batch{X: tensor.New(s.batch, s.size, s.size, 3)}
	r, class := rng.New(2), make([]int, s.batch)
	for i := range b.X.Data {
		b.X.Data[i] = float32(r.Normal())
	}
	for i := range class {
		class[i] = i % classes
	}
	b.Y = target.Targets{Class: class}
	hyper := make([]optim.Hyper, l.Groups())
	for i := range hyper {
		hyper[i] = optim.Hyper{LR: 1e-5, Mom: 0.9, WD: 0.01}
	}
	return func() error { return l.TrainBatch(b, hyper) }, nil
}
