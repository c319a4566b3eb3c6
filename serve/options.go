package serve

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/vision"
)

// Options bounds and directs a Server. The zero value has the defaults, which
// suit a service that strangers can reach; zero fields mean their default.
type Options struct {
	// MaxBatch is the largest number of pictures that go through the network
	// together: 32. MaxWait is how long an incomplete batch waits for pictures that
	// were accepted and are still being prepared: 2 ms, five times that while
	// another batch is being computed; negative means not at all.
	MaxBatch int
	MaxWait  time.Duration

	// Queue is how many pictures of a model may be accepted and not yet answered;
	// requests beyond it get 429 with Retry-After. 256, and never more than the
	// model answers within a quarter of Timeout, by what the last ones took.
	Queue int
	// Requests is how many requests are worked on at the same time: 256. Those
	// whose body is still arriving, for Grad-CAM, health and metrics do not count.
	Requests int
	// Explain is how many requests for Grad-CAM are worked on at the same time,
	// those included that wait for their turn, as one is computed at a time: 16.
	Explain int
	// QueueTimeout is how long a request beyond Queue, Requests, Explain or MaxBodies
	// waits for its turns before it is refused: 5 s, and half of Timeout at most, so
	// that clients that try again at once cost little; negative means not at all.
	// As many may wait as may be worked on; more wait before their body is read.
	QueueTimeout time.Duration
	// Connections is how many connections are open at the same time: 1024. One
	// more takes the place of the one that has been idle for longest, if that is a
	// second or more. If none is, 64 more are accepted: they can ask for everything
	// but work, which is refused with 503, and are closed after the answer.
	Connections int

	// MaxBody bounds the body of a request: 32 MiB (413). MaxBodies bounds the
	// bytes of memory that all bodies have at the same time: 512 MiB (503); it is
	// at least twice MaxBody, as a body that grows is there twice for a moment.
	MaxBody   int64
	MaxBodies int64
	// MaxPictures bounds the pictures of one request: 64 (413).
	MaxPictures int
	// MaxPixels bounds width×height of a picture as its header declares it,
	// checked before anything is decoded: 50 million (413).
	MaxPixels int

	// Timeout bounds a request from its header to its answer: 30 s (408 while the
	// body arrives, 504 afterwards).
	Timeout time.Duration
	// BodyRate is the least rate of a body in bytes a second, after the first five
	// seconds: 1024 (408).
	BodyRate int
	// Drain bounds how long a shutdown waits for accepted requests: 30 s.
	Drain time.Duration
	// Reload is how often model files are looked at for changes: 2 s; negative
	// means never. Server.Reload does it at once.
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

	// TopK is how many classes an answer has when the request does not say: 5.
	TopK int
	// NoPage leaves out the web page and Grad-CAM.
	NoPage bool
	// Log receives one record for each request and event; nil is slog.Default.
	Log *slog.Logger
	// Decoders and Runs are those of predict.Options.
	Decoders, Runs int
}

func (o Options) withDefaults() (Options, error) {
	type number struct {
		name string
		v    *int
		def  int
	}
	for _, f := range []number{{"MaxBatch", &o.MaxBatch, 32}, {"Queue", &o.Queue, 256}, {"Requests", &o.Requests, 256}, {"Explain", &o.Explain, 16}, {"BodyRate", &o.BodyRate, 1024},
		{"Connections", &o.Connections, 1024}, {"MaxPictures", &o.MaxPictures, 64}, {"MaxPixels", &o.MaxPixels, 50_000_000}, {"TopK", &o.TopK, 5}} {
		if *f.v == 0 {
			*f.v = f.def
		}
		if *f.v < 1 {
			return o, fmt.Errorf("serve: Options.%s is %d; want 1 or more, or 0 for the default of %d", f.name, *f.v, f.def)
		}
	}
	for _, f := range []struct {
		name string
		v    *int64
		def  int64
	}{{"MaxBody", &o.MaxBody, 32 << 20}, {"MaxBodies", &o.MaxBodies, 512 << 20}} {
		if *f.v == 0 {
			*f.v = f.def
		}
		if *f.v < 1 {
			return o, fmt.Errorf("serve: Options.%s is %d; want 1 or more bytes, or 0 for the default of %d", f.name, *f.v, f.def)
		}
	}
	for _, f := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
		neg  bool
	}{{"MaxWait", &o.MaxWait, 2 * time.Millisecond, true}, {"QueueTimeout", &o.QueueTimeout, 5 * time.Second, true}, {"Timeout", &o.Timeout, 30 * time.Second, false},
		{"Drain", &o.Drain, 30 * time.Second, false}, {"Reload", &o.Reload, 2 * time.Second, true}} {
		if *f.v == 0 {
			*f.v = f.def
		}
		if *f.v < 0 && !f.neg {
			return o, fmt.Errorf("serve: Options.%s is %v; it must be positive, or 0 for the default of %v", f.name, *f.v, f.def)
		}
	}
	if o.MaxBodies < 2*(o.MaxBody+1) {
		return o, fmt.Errorf("serve: Options.MaxBodies is %d; it must be twice MaxBody, %d, and 2 more: a body that grows is in memory twice for a moment, and no large request could ever be accepted", o.MaxBodies, o.MaxBody)
	}
	if o.Queue < o.MaxPictures {
		return o, fmt.Errorf("serve: Options.Queue is %d, below MaxPictures, %d: no large request could ever be accepted", o.Queue, o.MaxPictures)
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return o, fmt.Errorf("serve: Options.CertFile is %q and KeyFile %q: give both or none", o.CertFile, o.KeyFile)
	}
	for _, h := range o.Hosts {
		if h == "" || strings.ContainsAny(h, ":/* ") {
			return o, fmt.Errorf("serve: Options.Hosts has %q; want names such as pets.example, without scheme, port or wildcards", h)
		}
	}
	o.QueueTimeout = min(o.QueueTimeout, o.Timeout/2)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

func (o Options) predictor() predict.Options {
	return predict.Options{
		Batch: o.MaxBatch, Decoders: o.Decoders, Runs: o.Runs,
		Decode: vision.DecodeOptions{MaxPixels: o.MaxPixels, MaxBytes: o.MaxBody},
	}
}
