package serve

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/vision"
)

// What zero fields of Options mean: a service that strangers can reach.
const (
	DefaultMaxBatch     = 32                   // pictures
	DefaultMaxWait      = 2 * time.Millisecond // five times that while another batch is being computed
	DefaultQueue        = 256                  // pictures of a model
	DefaultRequests     = 256
	DefaultExplain      = 16
	DefaultQueueTimeout = 5 * time.Second
	DefaultConnections  = 1024
	DefaultMaxBody      = 32 << 20 // bytes
	DefaultMaxBodies    = 512 << 20
	DefaultMaxPictures  = 64
	DefaultMaxPixels    = 50_000_000
	DefaultTimeout      = 30 * time.Second
	DefaultBodyRate     = 1024 // bytes a second
	DefaultDrain        = 30 * time.Second
	DefaultReload       = 2 * time.Second
	DefaultTopK         = 5
)

// Options bounds and directs a Server. Zero fields mean their default: that of
// MaxBatch is DefaultMaxBatch, and so on.
type Options struct {
	// MaxBatch is the largest number of pictures that go through the network
	// together. MaxWait is how long an incomplete batch waits for pictures that were
	// accepted and are still being prepared, five times that while another batch is
	// being computed; negative means not at all.
	MaxBatch int
	MaxWait  time.Duration

	// Queue is how many pictures of a model may be accepted and not yet answered;
	// requests beyond it get 429 with Retry-After. It is never more than the model
	// answers within a quarter of Timeout, by what the last ones took.
	Queue int
	// Requests is how many requests are worked on at the same time. Those whose
	// body is still arriving, for Grad-CAM, health and metrics do not count.
	Requests int
	// Explain is how many requests for Grad-CAM are worked on at the same time,
	// those included that wait for their turn, as one is computed at a time.
	Explain int
	// QueueTimeout is how long a request beyond Queue, Requests, Explain or MaxBodies
	// waits for its turns before it is refused, half of Timeout at most, so that
	// clients that try again at once cost little; negative means not at all. As many
	// may wait as may be worked on; more wait before their body is read.
	QueueTimeout time.Duration
	// Connections is how many connections are open at the same time. One more
	// takes the place of the one that has been idle for longest, if that is a
	// second or more. If none is, 64 more are accepted: they can ask for everything
	// but work, which is refused with 503, and are closed after the answer.
	Connections int

	// MaxBody bounds the body of a request in bytes (413). MaxBodies bounds the
	// bytes of memory that all bodies have at the same time (503); it must be more
	// than twice MaxBody, as a body that grows is there twice for a moment.
	MaxBody   int64
	MaxBodies int64
	// MaxPictures bounds the pictures of one request (413).
	MaxPictures int
	// MaxPixels bounds width×height of a picture as its header declares it,
	// checked before anything is decoded (413).
	MaxPixels int

	// Timeout bounds a request from its header to its answer (408 while the body
	// arrives, 504 afterwards).
	Timeout time.Duration
	// BodyRate is the least rate of a body in bytes a second, after the first five
	// seconds (408).
	BodyRate int
	// Drain bounds how long a shutdown waits for accepted requests.
	Drain time.Duration
	// Reload is how often model files are looked at for changes; negative means
	// never. Server.Reload does it at once.
	Reload time.Duration

	// Hosts are names, beside localhost and IP addresses, by which requests may call
	// a server that listens on loopback: others get 421, since a page from elsewhere
	// may have let its own name point there. If there are any, they bind servers on
	// other addresses too.
	Hosts []string

	// TokenFile is a file of bearer tokens, one a line, 16 characters at least; ""
	// is none. Requests must then have one of them (Authorization: Bearer TOKEN),
	// but for health checks and the files of the web page (401).
	TokenFile string
	// CertFile and KeyFile are a certificate, with its chain, and its key in PEM:
	// Serve then speaks TLS. "" is plain HTTP. These files and TokenFile are looked
	// at for changes as model files are.
	CertFile, KeyFile string

	// LabelStudio, if not nil, makes the server a machine-learning back end of Label Studio as well.
	LabelStudio *LabelStudio

	// TopK is how many classes an answer has when the request does not say.
	TopK int
	// NoPage leaves out the web page and Grad-CAM.
	NoPage bool
	// Log receives one record for each request and event; nil is slog.Default.
	Log *slog.Logger
	// Decoders and Runs are those of predict.Options.
	Decoders, Runs int
}

// withDefaults puts the defaults in place of zero fields.
func (o Options) withDefaults() Options {
	o.MaxBatch = cmp.Or(o.MaxBatch, DefaultMaxBatch)
	o.MaxWait = cmp.Or(o.MaxWait, DefaultMaxWait)
	o.Queue = cmp.Or(o.Queue, DefaultQueue)
	o.Requests = cmp.Or(o.Requests, DefaultRequests)
	o.Explain = cmp.Or(o.Explain, DefaultExplain)
	o.Connections = cmp.Or(o.Connections, DefaultConnections)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.MaxBodies = cmp.Or(o.MaxBodies, DefaultMaxBodies)
	o.MaxPictures = cmp.Or(o.MaxPictures, DefaultMaxPictures)
	o.MaxPixels = cmp.Or(o.MaxPixels, DefaultMaxPixels)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.QueueTimeout = min(cmp.Or(o.QueueTimeout, DefaultQueueTimeout), o.Timeout/2)
	o.BodyRate = cmp.Or(o.BodyRate, DefaultBodyRate)
	o.Drain = cmp.Or(o.Drain, DefaultDrain)
	o.Reload = cmp.Or(o.Reload, DefaultReload)
	o.TopK = cmp.Or(o.TopK, DefaultTopK)
	o.Log = cmp.Or(o.Log, slog.Default())
	return o
}

// Check reports the first option that cannot be, or does not go with another.
func (o Options) Check() error {
	o = o.withDefaults()
	for _, f := range []struct {
		name   string
		v, def int64
	}{
		{"MaxBatch", int64(o.MaxBatch), DefaultMaxBatch}, {"Queue", int64(o.Queue), DefaultQueue}, {"Requests", int64(o.Requests), DefaultRequests},
		{"Explain", int64(o.Explain), DefaultExplain}, {"Connections", int64(o.Connections), DefaultConnections}, {"MaxBody", o.MaxBody, DefaultMaxBody},
		{"MaxBodies", o.MaxBodies, DefaultMaxBodies}, {"MaxPictures", int64(o.MaxPictures), DefaultMaxPictures}, {"MaxPixels", int64(o.MaxPixels), DefaultMaxPixels},
		{"BodyRate", int64(o.BodyRate), DefaultBodyRate}, {"TopK", int64(o.TopK), DefaultTopK},
	} {
		if f.v < 1 {
			return fmt.Errorf("serve: Options.%s is %d; want 1 or more, or 0 for the default of %d", f.name, f.v, f.def)
		}
	}
	switch {
	case o.Timeout < 0:
		return fmt.Errorf("serve: Options.Timeout is %v; it must be positive, or 0 for the default of %v", o.Timeout, DefaultTimeout)
	case o.Drain < 0:
		return fmt.Errorf("serve: Options.Drain is %v; it must be positive, or 0 for the default of %v", o.Drain, DefaultDrain)
	case o.MaxBodies/2 <= o.MaxBody:
		return fmt.Errorf("serve: Options.MaxBodies is %d; it must be twice MaxBody, %d, and 2 more: a body that grows is in memory twice for a moment, and no large request could ever be accepted", o.MaxBodies, o.MaxBody)
	case o.Queue < o.MaxPictures:
		return fmt.Errorf("serve: Options.Queue is %d, below MaxPictures, %d: no large request could ever be accepted", o.Queue, o.MaxPictures)
	case (o.CertFile == "") != (o.KeyFile == ""):
		return fmt.Errorf("serve: Options.CertFile is %q and KeyFile %q: give both or none", o.CertFile, o.KeyFile)
	}
	for _, h := range o.Hosts {
		if h == "" || strings.ContainsAny(h, ":/* ") {
			return fmt.Errorf("serve: Options.Hosts has %q; want names such as pets.example, without scheme, port or wildcards", h)
		}
	}
	return nil
}

func (o Options) predictor() predict.Options {
	return predict.Options{
		Batch: o.MaxBatch, Decoders: o.Decoders, Runs: o.Runs,
		Decode: vision.DecodeOptions{MaxPixels: o.MaxPixels, MaxBytes: o.MaxBody},
	}
}
