package predict

import (
	"cmp"
	"fmt"
	"runtime"

	"github.com/whippet-ml/whippet/vision"
)

// What zero fields of Options mean.
const (
	DefaultBatch = 32 // pictures
	DefaultRuns  = 2  // batches
)

// Options bounds what a Predictor uses. The zero value has the defaults.
type Options struct {
	// Decode bounds pictures: encoded bytes and declared pixels. Whether the EXIF
	// orientation is applied is the model's decision, not that of
	// Decode.IgnoreOrientation. The zero value has package vision's limits,
	// 256 MiB and 89 megapixels; a service for strangers wants less.
	Decode vision.DecodeOptions
	// Batch is the largest number of pictures that go through the network at
	// once; more are cut into several batches. 0 means DefaultBatch; 1 to 1024, and
	// fewer for networks of large input, so that a batch has 16 megapixels at most.
	Batch int
	// Decoders bounds how many pictures are decoded at the same time, over all
	// callers. 0 means the number of processors. A picture of P pixels takes 3·P
	// bytes while it is being prepared, and up to 15·P while it is decoded (a
	// progressive JPEG in CMYK). Of encoded pictures in memory that have more than
	// 16 megapixels, a quarter as many are decoded at the same time, at least one.
	Decoders int
	// Runs bounds how many batches are computed at the same time, over all
	// callers; each uses all processors. 0 means DefaultRuns, so that one batch's
	// ends do not leave processors idle.
	Runs int
}

// withDefaults puts the defaults in place of zero fields.
func (o Options) withDefaults() Options {
	o.Decode = o.Decode.WithDefaults()
	o.Batch = cmp.Or(o.Batch, DefaultBatch)
	o.Decoders = cmp.Or(o.Decoders, runtime.GOMAXPROCS(0))
	o.Runs = cmp.Or(o.Runs, DefaultRuns)
	return o
}

// Check reports the first option that is out of range.
func (o Options) Check() error {
	def := Options{}.withDefaults()
	o = o.withDefaults()
	for _, f := range []struct {
		name        string
		v, def, max int
	}{{"Batch", o.Batch, def.Batch, 1024}, {"Decoders", o.Decoders, def.Decoders, 1 << 12}, {"Runs", o.Runs, def.Runs, 1 << 8}} {
		if f.v < 1 || f.v > f.max {
			return fmt.Errorf("predict: Options.%s is %d; want 1 to %d, or 0 for the default of %d", f.name, f.v, f.max, f.def)
		}
	}
	return nil
}
