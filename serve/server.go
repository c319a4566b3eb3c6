package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/whippet-ml/whippet/internal/hostname"
)

// Server answers requests with one or more models. Its methods may be called
// from several goroutines.
type Server struct {
	opts    Options
	models  []*model // the first is the default
	byName  map[string]*model
	m       *serverMetrics
	drains  atomic.Bool
	private atomic.Bool // listening on loopback, where only known names may ask

	requests  *gate        // requests being worked on
	explains  *gate        // those for Grad-CAM
	explain   *gate        // Grad-CAM being computed
	receiving atomic.Int64 // requests whose body is arriving
	bodies    atomic.Int64 // bytes of memory that bodies have
	refused   refusals

	tokens      *tokens      // nil: everybody may ask
	studio      *studio      // nil: Label Studio is not answered
	certificate *certificate // nil: plain HTTP
	handler     http.Handler
	patterns    []string // of the routes
	closing     sync.Once
}

// New loads the models and returns a server for them. Requests that name none
// go to the first. Close or ListenAndServe releases what it holds.
func New(o Options, files ...ModelFile) (*Server, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if len(files) == 0 {
		return nil, errors.New("serve: no model to serve")
	}
	s := &Server{opts: o, byName: map[string]*model{}, requests: newGate(o.Requests, o.Requests),
		explains: newGate(o.Explain, o.Explain), explain: newGate(explaining, o.Explain)}
	var err error
	if o.TokenFile != "" {
		if s.tokens, err = newTokens(o.TokenFile); err != nil {
			return nil, err
		}
	}
	if o.CertFile != "" {
		if s.certificate, err = newCertificate(o.CertFile, o.KeyFile); err != nil {
			return nil, err
		}
	}
	if o.LabelStudio != nil {
		if s.studio, err = newStudio(*o.LabelStudio, o.MaxBody); err != nil {
			return nil, err
		}
	}
	s.m = newMetrics(s)
	for _, f := range files {
		if s.byName[f.Name] != nil {
			s.Close()
			return nil, fmt.Errorf("serve: two models are called %q: give them names, as in cats=runs/cats/model.safetensors", f.Name)
		}
		m, err := newModel(f, o, s.m)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.models = append(s.models, m)
		s.byName[f.Name] = m
		o.Log.Info("model loaded", "model", f.Name, "path", f.Path, "architecture", m.now.p.Info().Arch, "classes", len(m.now.labels), "version", m.now.version)
	}
	s.handler = s.routes()
	return s, nil
}

// Close waits for the pictures under way and ends the server's goroutines. No
// request may come afterwards.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.drains.Store(true)
		for _, m := range s.models {
			m.close()
		}
		if s.studio != nil && s.studio.root != nil {
			_ = s.studio.root.Close()
		}
	})
}

// Handler returns the server's routes, for use in a program's own http.Server,
// which should set ReadHeaderTimeout and IdleTimeout and bound its connections.
func (s *Server) Handler() http.Handler { return s.handler }

// Reload loads every model's file again, at once. Requests under way are not
// disturbed. A model whose file cannot be loaded stays as it is, and the error
// says why.
func (s *Server) Reload() error {
	var errs []error
	for _, m := range s.models {
		errs = append(errs, m.reload())
	}
	return errors.Join(errs...)
}

// ListenAndServe listens on address (see Listen; a Unix socket is for its owner
// only) and calls Serve.
func (s *Server) ListenAndServe(ctx context.Context, address string) error {
	l, err := Listen(address, 0o600)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return s.Serve(ctx, l)
}

// Bounds that no option moves.
const (
	explaining  = 1                // Grad-CAM computed at the same time
	maxScrapes  = 4                // requests for metrics at the same time
	headTimeout = 10 * time.Second // for a request's header
	idleTimeout = 2 * time.Minute  // between requests
	maxHeader   = 64 << 10         // bytes of a request's header
)

// Serve answers requests on l until ctx ends. Then it takes no new connections,
// reports itself as not ready, finishes what it accepted (for Options.Drain at
// most), closes the server and returns nil, or an error when requests had to be
// cut off. Model files are watched meanwhile.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.Close()
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		s.private.Store(true)
	}
	scheme, secret := "http://", (*tls.Config)(nil)
	if s.certificate != nil {
		scheme, secret = "https://", s.certificate.config()
	}
	if l.Addr().Network() == "unix" {
		scheme = "unix:"
	}
	conns := newLimitListener(l, s.opts.Connections, secret)
	// HTTP/2 is for proxies: its connections carry any number of requests, which
	// the limit on connections would not bound.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Protocols:                    protocols,
		ConnState:                    conns.state,
		ConnContext:                  withConn,
		Handler:                      s.handler,
		DisableGeneralOptionsHandler: true, // routes answer OPTIONS *
		ReadHeaderTimeout:            headTimeout,
		ReadTimeout:                  s.opts.Timeout,
		WriteTimeout:                 s.opts.Timeout + 10*time.Second,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		ErrorLog:                     slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	}
	watch, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(watch) })
	watching.Go(func() { s.summarize(watch) })
	defer watching.Wait()
	defer stop()
	s.opts.Log.Info("serving", "address", scheme+l.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(conns) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.drains.Store(true)
	s.opts.Log.Info("shutting down: finishing what was accepted", "requests", int64(s.requests.inside())+s.receiving.Load())
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Drain)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		_ = srv.Close()
		return fmt.Errorf("serve: requests were still running %v after the shutdown began and were cut off: %w", s.opts.Drain, err)
	}
	s.opts.Log.Info("shut down")
	return nil
}

// watch reloads models, tokens and certificates whose files change.
func (s *Server) watch(ctx context.Context) {
	if s.opts.Reload < 0 {
		return
	}
	t := time.NewTicker(s.opts.Reload)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.reloadSecrets()
		}
		for _, m := range s.models {
			if m.changed() {
				_ = m.reload() // it logs why
			}
		}
	}
}

// summarize writes summaries of refused requests to the log.
func (s *Server) summarize(ctx context.Context) {
	t := time.NewTicker(refusalWindow)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			s.logRefusals(time.Now().Add(refusalWindow)) // all there are
			return
		case now := <-t.C:
			s.logRefusals(now)
		}
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.Handler) {
		s.patterns = append(s.patterns, pattern)
		mux.Handle(pattern, h)
	}
	get := func(path string, h handler) { handle("GET "+path, s.light(path, h)) }
	work := func(path string, h handler) { handle("POST "+path, s.work(path, h)) }
	get("/healthz", s.live)
	get("/readyz", s.ready)
	get("/models", s.listModels)
	get("/openapi.json", s.describe)
	work("/predict", s.predict)

	get("/v2", s.v2Server)
	get("/v2/{$}", s.v2Server)
	get("/v2/health/live", s.v2Live)
	get("/v2/health/ready", s.v2Ready)
	get("/v2/models/stats", s.v2Stats)
	handle("POST /v2/repository/index", s.light("/v2/repository/index", s.v2Index))
	for _, v := range []string{"", "/versions/{version}"} {
		get("/v2/models/{model}"+v+"/config", s.v2Config)
		get("/v2/models/{model}"+v+"/stats", s.v2Stats)
		get("/v2/models/{model}"+v, s.v2Model)
		get("/v2/models/{model}"+v+"/ready", s.v2ModelReady)
		work("/v2/models/{model}"+v+"/infer", s.v2Infer)
	}
	if s.studio != nil {
		s.studioRoutes(handle)
	}
	handle("GET /metrics", promhttp.HandlerFor(s.m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	if !s.opts.NoPage {
		work("/explain", s.explainPicture)
		s.pageRoutes(get)
	}
	// Browsers are kept from using the service on behalf of other sites.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(s.light("other", func(http.ResponseWriter, *http.Request) error {
		return fail(http.StatusForbidden, "origin", "a page of another site asks for this; pages may use the service only from its own address")
	}))
	return s.named(guard.Handler(s.authorized(s.unrouted(mux))))
}

// named refuses requests by names that a page from elsewhere may have made up:
// see package hostname.
func (s *Server) named(h http.Handler) http.Handler {
	refuse := s.light("other", func(_ http.ResponseWriter, r *http.Request) error {
		return fail(http.StatusMisdirectedRequest, "host", "the service is not known as %.200q: use its address, or have the name added to those that the service allows", r.Host)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if c := connOf(r); c != nil && c.spare {
			w.Header().Set("Connection", "close")
		}
		// Browsers always name the host; old health checks of balancers do not.
		if r.Host != "" && (s.private.Load() || len(s.opts.Hosts) > 0) && !hostname.Allowed(r.Host, s.opts.Hosts...) {
			refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// find returns the model of that name, or the first for an empty name.
func (s *Server) find(name string) (*model, error) {
	if name == "" {
		return s.models[0], nil
	}
	if m := s.byName[name]; m != nil {
		return m, nil
	}
	return nil, fail(http.StatusNotFound, "model", "there is no model %q; GET /models lists them", name)
}
