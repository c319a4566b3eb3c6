package serve

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// serverMetrics are what /metrics shows, beside those of the Go runtime and the
// process.
type serverMetrics struct {
	registry       *prometheus.Registry
	requests       *prometheus.CounterVec   // by route and status
	requestSeconds *prometheus.HistogramVec // by route
	pictures       *prometheus.CounterVec   // by model and outcome
	unknown        *prometheus.CounterVec   // by model and reason
	strangeness    *prometheus.HistogramVec // by model
	refused        *prometheus.CounterVec   // by reason
	batchSize      *prometheus.HistogramVec // by model
	batchSeconds   *prometheus.HistogramVec // by model
	reloads        *prometheus.CounterVec   // by model and outcome
}

func newMetrics(s *Server) *serverMetrics {
	seconds := []float64{.001, .0025, .005, .01, .02, .03, .05, .075, .1, .15, .25, .5, 1, 2.5, 5, 10, 30}
	m := &serverMetrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "whippet_requests_total",
			Help: "Requests answered, by route and HTTP status."}, []string{"route", "status"}),
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "whippet_request_seconds",
			Help: "Time from a request's header to the end of its answer.", Buckets: seconds}, []string{"route"}),
		pictures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "whippet_pictures_total",
			Help: "Pictures and tensors by outcome: classified, or failed."}, []string{"model", "outcome"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "whippet_unknown_total",
			Help: "Pictures and tensors answered as unknown, by reason; one that has two counts for both."}, []string{"model", "reason"}),
		strangeness: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "whippet_strangeness",
			Help: "How unlike those of training pictures are, as a multiple of the model's limit.", Buckets: []float64{.25, .5, .6, .7, .8, .9, 1, 1.1, 1.25, 1.5, 2, 3}}, []string{"model"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "whippet_refused_total",
			Help: "Requests not carried out, by the limit or mistake that was the reason."}, []string{"reason"}),
		batchSize: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "whippet_batch_pictures",
			Help: "Pictures that went through the network together.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128}}, []string{"model"}),
		batchSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "whippet_batch_seconds",
			Help: "Time of the network for a batch.", Buckets: seconds}, []string{"model"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "whippet_model_reloads_total",
			Help: "Reloads of model files, by outcome: done or failed."}, []string{"model", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.requestSeconds, m.pictures, m.unknown, m.strangeness, m.refused, m.batchSize, m.batchSeconds, m.reloads,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "whippet_requests_in_flight",
			Help: "Requests whose body is there and that are being worked on."}, func() float64 { return float64(s.requests.inside()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "whippet_body_bytes",
			Help: "Bytes of memory that request bodies have."}, func() float64 { return float64(s.bodies.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "whippet_requests_receiving",
			Help: "Requests whose body is arriving."}, func() float64 { return float64(s.receiving.Load()) }),
		queueCollector{s},
	)
	return m
}

// queueCollector shows how full each model's queue is.
type queueCollector struct{ s *Server }

var queueDesc = prometheus.NewDesc("whippet_queue_pictures", "Pictures accepted and not yet answered.", []string{"model"}, nil)

func (q queueCollector) Describe(ch chan<- *prometheus.Desc) { ch <- queueDesc }

func (q queueCollector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range q.s.models {
		ch <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(m.queued()), m.file.Name)
	}
}
