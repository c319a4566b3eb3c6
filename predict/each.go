package predict

import (
	"context"
	"iter"
	"sync"
)

// Input is a picture to classify: the file of that name or, when Data is not
// nil, the encoded picture in Data.
type Input struct {
	Name string
	Data []byte
}

// Files turns paths into inputs.
func Files(paths []string) iter.Seq[Input] {
	return func(yield func(Input) bool) {
		for _, f := range paths {
			if !yield(Input{Name: f}) {
				return
			}
		}
	}
}

// Result is the answer for one input, or why there is none.
type Result struct {
	Name string
	Prediction
	Err error // the picture cannot be read or decoded; Prediction is empty
}

// Each classifies any number of pictures and calls each with every one's result,
// in the order of inputs. Pictures are decoded in parallel, a batch ahead of the
// network, so memory does not grow with their number. A picture that cannot be
// read is a Result with Err; Each goes on with the next. Each returns when
// inputs end, at the first error of each (which it returns), or when ctx ends.
func (p *Predictor) Each(ctx context.Context, inputs iter.Seq[Input], each func(Result) error) error {
	return p.eachBatch(ctx, inputs, func(ctx context.Context, b *fileBatch, x []float32) error {
		var answers []Prediction
		if len(x) > 0 {
			var err error
			if answers, err = p.Inputs(ctx, x); err != nil {
				return err
			}
		}
		for i, in := range b.inputs {
			r := Result{Name: in.Name, Err: b.errs[i]}
			if r.Err == nil {
				r.Prediction, answers = answers[0], answers[1:]
			}
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachBatch prepares pictures in batches, in order, and calls finish with each batch and the inputs
// of its good pictures, one after the other.
func (p *Predictor) eachBatch(ctx context.Context, inputs iter.Seq[Input], finish func(ctx context.Context, b *fileBatch, x []float32) error) error {
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan *fileBatch, 1)
	var wg sync.WaitGroup
	defer wg.Wait() // last: nothing runs on when Each has returned
	defer cancel()
	wg.Go(func() {
		defer close(batches)
		p.readBatches(ctx, inputs, batches)
	})
	for b := range batches {
		x := b.good(p.inputLen())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := finish(ctx, b, x)
		p.inputs.Put(b.x)
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// fileBatch is up to Options.Batch pictures on their way to the network.
type fileBatch struct {
	inputs []Input
	errs   []error
	x      []float32
}

// readBatches prepares the pictures, a batch at a time.
func (p *Predictor) readBatches(ctx context.Context, inputs iter.Seq[Input], out chan<- *fileBatch) {
	b := &fileBatch{}
	flush := func() bool {
		if len(b.inputs) == 0 {
			return true
		}
		p.prepareBatch(ctx, b)
		select {
		case out <- b:
			b = &fileBatch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for in := range inputs {
		b.inputs = append(b.inputs, in)
		if len(b.inputs) == p.opts.Batch && !flush() || ctx.Err() != nil {
			return
		}
	}
	flush()
}

// prepareBatch decodes a batch's pictures on several goroutines.
func (p *Predictor) prepareBatch(ctx context.Context, b *fileBatch) {
	n := len(b.inputs)
	b.errs = make([]error, n)
	b.x = p.inputs.Get(n * p.inputLen())
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(n, p.opts.Decoders) {
		wg.Go(func() {
			for i := range next {
				dst := b.x[i*p.inputLen() : (i+1)*p.inputLen()]
				if in := b.inputs[i]; in.Data != nil {
					b.errs[i] = p.Prepare(ctx, dst, in.Data)
				} else {
					b.errs[i] = p.PrepareFile(ctx, dst, in.Name)
				}
			}
		})
	}
	wg.Wait()
}

// good moves the inputs of good pictures, of so many values each, to the front and
// returns them.
func (b *fileBatch) good(size int) []float32 {
	good := 0
	for i, err := range b.errs {
		if err == nil {
			if i != good {
				copy(b.x[good*size:(good+1)*size], b.x[i*size:])
			}
			good++
		}
	}
	return b.x[:good*size]
}
