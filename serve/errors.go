package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/vision"
)

// statusError is an error with the status to answer it with.
type statusError struct {
	status int
	reason string // a short label for metrics, such as "queue"
	msg    string
}

func (e *statusError) Error() string { return e.msg }

func fail(status int, reason, format string, args ...any) error {
	return &statusError{status, reason, fmt.Sprintf(format, args...)}
}

// classify finds status and reason for any error of a request.
func (s *Server) classify(err error) *statusError {
	var se *statusError
	var tooLong *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &se):
		return se
	case errors.As(err, &tooLong):
		return &statusError{http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("the body has more than %d bytes, the limit", tooLong.Limit)}
	case errors.Is(err, errQueueFull):
		return &statusError{http.StatusTooManyRequests, "queue", "too many pictures are waiting; try again after the time in Retry-After"}
	case errors.Is(err, vision.ErrTooLarge):
		return &statusError{http.StatusRequestEntityTooLarge, "pixels", err.Error()}
	case errors.Is(err, vision.ErrUnknownFormat):
		return &statusError{http.StatusUnsupportedMediaType, "format", err.Error()}
	case errors.Is(err, predict.ErrNotFinite):
		return &statusError{http.StatusBadRequest, "tensor", "the input gives no finite output: it holds NaN, infinite or huge values"}
	case errors.Is(err, context.DeadlineExceeded):
		return &statusError{http.StatusGatewayTimeout, "time", fmt.Sprintf("no answer within %v, the limit", s.opts.Timeout)}
	case errors.Is(err, context.Canceled):
		return &statusError{499, "gone", "the client left"} // as nginx writes it to its log
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return &statusError{http.StatusRequestTimeout, "slow", fmt.Sprintf("the body did not arrive within %v, the limit", s.opts.Timeout)}
	}
	return &statusError{http.StatusUnprocessableEntity, "picture", err.Error()}
}

// writeError answers with {"error": …}; refusals because of load say when to
// come back.
func writeError(w http.ResponseWriter, e *statusError) {
	if e.status == http.StatusTooManyRequests || e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, e.status, map[string]string{"error": e.msg})
}

// writeJSON answers with v. It is only given values that can be marshaled; a
// client that left cannot be told anything.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
