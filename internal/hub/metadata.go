package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/internal/fetch"
)

// metadata is what the Hub says about a file before it is sent.
type metadata struct {
	commit string // that the revision stands for
	etag   string // the content's name: SHA-256 of a large file (LFS), Git's SHA-1 of a small one
	size   int64  // 0 if not known
}

const askTimeout = 20 * time.Second

// ask gets the metadata of a file. It is tried once, or several times where asking
// again may help.
func (c Client) ask(ctx context.Context, r Repo, file string, times int) (m metadata, err error) {
	first := c.backoff
	if first == 0 {
		first = time.Second
	}
	err = fetch.Retry(ctx, times, first, func() error {
		m, err = c.askOnce(ctx, r, file)
		return err
	})
	return m, err
}

// address is where a file is at a revision.
func (c Client) address(r Repo, file string) string {
	return c.Endpoint + "/" + r.Name + "/resolve/" + url.PathEscape(r.Revision) + "/" + file
}

// headers are those of every request to the endpoint.
func (c Client) headers() http.Header {
	h := http.Header{}
	if c.Token != "" {
		h.Set("Authorization", "Bearer "+c.Token)
	}
	return h
}

func (c Client) askOnce(ctx context.Context, r Repo, file string) (metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	address := c.address(r, file)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 6 {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return metadata{}, err
		}
		req.Header = c.headers()
		req.Header.Set("User-Agent", "whippet")
		req.Header.Set("Accept-Encoding", "identity") // the size is the file's, not a packed one's
		resp, err := client.Do(req)
		if err != nil {
			var ue *url.Error
			if errors.As(err, &ue) { // whose message repeats the address
				err = ue.Err
			}
			err = fmt.Errorf("cannot reach %s: %w", c.Endpoint, err)
			var dns *net.DNSError
			if errors.As(err, &dns) && dns.IsNotFound {
				return metadata{}, &unreachable{err}
			}
			return metadata{}, fetch.MayPass(&unreachable{err}, nil)
		}
		resp.Body.Close()
		m, next, err := c.read(r, file, resp)
		if err != nil || next == "" {
			return m, err
		}
		address = next
	}
	return metadata{}, fmt.Errorf("%s redirects in circles for %s of %s", c.Endpoint, file, r)
}

// unreachable is an error of the way to the Hub, and not of its answer.
type unreachable struct{ error }

func (e *unreachable) Unwrap() error { return e.error }

// read takes the metadata from an answer, or the address on the same host to which
// it points instead, as for a repository that was renamed.
func (c Client) read(r Repo, file string, resp *http.Response) (m metadata, next string, err error) {
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return m, "", fetch.MayPass(fmt.Errorf("%s answers %s", c.Endpoint, resp.Status), resp.Header)
	case code >= 400:
		return m, "", c.refusal(r, file, resp)
	}
	m.commit = resp.Header.Get("X-Repo-Commit")
	m.etag = strings.Trim(strings.TrimPrefix(first(resp.Header, "X-Linked-Etag", "ETag"), "W/"), `"`)
	if m.commit == "" || m.etag == "" {
		if to, lerr := resp.Location(); lerr == nil && resp.StatusCode >= 300 && resp.StatusCode < 400 && to.Scheme == resp.Request.URL.Scheme && to.Host == resp.Request.URL.Host {
			return m, to.String(), nil
		}
		return m, "", fmt.Errorf("the answer of %s for %s of %s lacks the headers X-Repo-Commit and ETag: it is not a Hub, or something on the way leaves them out", c.Endpoint, file, r)
	}
	if !plain.MatchString(m.commit) || !plain.MatchString(m.etag) {
		return m, "", fmt.Errorf("%s gives %s of %s the commit %.60q and the ETag %.60q, which cannot be names of files", c.Endpoint, file, r, m.commit, m.etag)
	}
	size := resp.Header.Get("X-Linked-Size")
	if size == "" && resp.StatusCode < 300 {
		size = resp.Header.Get("Content-Length")
	}
	if size != "" {
		if m.size, err = strconv.ParseInt(size, 10, 64); err != nil || m.size < 0 {
			return m, "", fmt.Errorf("%s says that %s of %s has %.40q bytes", c.Endpoint, file, r, size)
		}
	}
	if limit := c.maxBytes(); m.size > limit {
		return m, "", fmt.Errorf("%s of %s has %d bytes, more than the %d that are taken", file, r, m.size, limit)
	}
	return m, "", nil
}

func (c Client) maxBytes() int64 {
	if c.MaxBytes > 0 {
		return c.MaxBytes
	}
	return defaultMaxBytes
}

func first(h http.Header, names ...string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}
