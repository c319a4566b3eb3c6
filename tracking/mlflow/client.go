package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// requestTimeout bounds a request; a file may take uploadTimeout.
const (
	requestTimeout = 20 * time.Second
	uploadTimeout  = 10 * time.Minute
)

// maxAnswer bounds the bytes of an answer that are read.
const maxAnswer = 8 << 20

// refused is an answer that asking again would not change.
type refused struct {
	status  int
	code    string // MLflow's, such as RESOURCE_DOES_NOT_EXIST
	message string
}

func (r *refused) Error() string {
	s := fmt.Sprintf("the server answers %d %s", r.status, http.StatusText(r.status))
	if r.message != "" {
		s += ": " + r.message
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		s += "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
	}
	return s
}

// isMissing reports whether an error says that what was asked for is not there.
func isMissing(err error) bool {
	var r *refused
	return errors.As(err, &r) && r.code == "RESOURCE_DOES_NOT_EXIST"
}

// client speaks MLflow's REST API, version 2.0.
type client struct {
	base string // without a slash at its end
	http http.Client
}

// newClient checks the address of a server.
func newClient(address string) (*client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		var e *url.Error // its text has the address, and so a password
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("mlflow: the server's address: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("mlflow: the server's address %q: must be http://HOST:PORT or https://HOST", address)
	case u.User != nil:
		return nil, errors.New("mlflow: the server's address has a name or a password in it: give them by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, so that they are not stored with the run")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("mlflow: the server's address %q: must have no query", address)
	}
	return &client{base: strings.TrimRight(address, "/")}, nil
}

// authorize adds who asks, as MLflow's own client does.
func authorize(r *http.Request) {
	name, password := os.Getenv("MLFLOW_TRACKING_USERNAME"), os.Getenv("MLFLOW_TRACKING_PASSWORD")
	token := os.Getenv("MLFLOW_TRACKING_TOKEN")
	switch {
	case name != "" && password != "":
		r.SetBasicAuth(name, password)
	case token != "":
		r.Header.Set("Authorization", "Bearer "+token)
	}
}

// call asks for a method of the API, with a JSON body unless it is nil, and reads the
// answer into out unless that is nil.
func (c *client) call(ctx context.Context, method, what string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+"/api/2.0/mlflow/"+what, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.do(r, out)
}

func (c *client) do(r *http.Request, out any) error {
	authorize(r)
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		var said struct {
			Code    string `json:"error_code"`
			Message string
		}
		_ = json.Unmarshal(b, &said) // a proxy may answer with anything
		if len(said.Message) > 300 {
			said.Message = said.Message[:300] + "…"
		}
		e := &refused{resp.StatusCode, said.Code, said.Message}
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout {
			return errors.New(e.Error()) // may pass
		}
		return e
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return &refused{resp.StatusCode, "", fmt.Sprintf("with no JSON of MLflow's (%v): is this the address of an MLflow server?", err)}
	}
	return nil
}

// upload puts a file among the artifacts of a run, through the server.
func (c *client) upload(ctx context.Context, artifacts, file string) error {
	u, err := url.Parse(artifacts)
	if err != nil {
		return err
	}
	if u.Scheme != "mlflow-artifacts" {
		return &refused{http.StatusNotImplemented, "", fmt.Sprintf("artifacts are kept at %s, which the server does not pass on (mlflow server --serve-artifacts does)", artifacts)}
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	target := (&url.URL{Path: path.Join("/", u.Path, filepath.Base(file))}).EscapedPath()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+"/api/2.0/mlflow-artifacts/artifacts"+target, f)
	if err != nil {
		return err
	}
	r.ContentLength = info.Size()
	r.Header.Set("Content-Type", "application/octet-stream")
	return c.do(r, nil)
}
