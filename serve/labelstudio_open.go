package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// LabelStudio says where the pictures of Label Studio's tasks may come from. Whoever can
// send requests can name any address in them: nothing is fetched from others, and no file is opened elsewhere.
type LabelStudio struct {
	// URL is the address of Label Studio, http or https. Uploaded pictures are fetched from there.
	URL string
	// KeyFile is a file with the access token of a user of Label Studio, or "".
	KeyFile string
	// Files is the folder of Label Studio's local files (LOCAL_FILES_DOCUMENT_ROOT), whose pictures are
	// then opened instead of fetched; "" is none.
	Files string
	// Hosts are other hosts, with their ports if they have one in addresses, that pictures may be fetched from.
	Hosts []string
}

// studio opens the pictures of tasks.
type studio struct {
	at     *url.URL
	key    string // or ""
	root   *os.Root
	hosts  []string
	most   int64 // bytes of a picture
	client *http.Client
	slots  chan struct{} // pictures in memory at once

	mu      sync.Mutex
	access  string // made of a key that is not sent itself
	renewed time.Time
}

const (
	studioSlots = 4
	// accessLives is for how long a token that was made of a personal access token is used; it is
	// good for five minutes.
	accessLives = 4 * time.Minute
)

// newStudio checks o.
func newStudio(o LabelStudio, most int64) (*studio, error) {
	at, err := url.Parse(o.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("serve: the address of Label Studio is %q; want such as http://localhost:8080", o.URL)
	}
	s := &studio{at: at, hosts: o.Hosts, most: most, slots: make(chan struct{}, studioSlots)}
	for _, h := range o.Hosts {
		if h == "" || strings.ContainsAny(h, "/* ") {
			return nil, fmt.Errorf("serve: %q is no host that pictures may be fetched from; want such as pictures.example or pictures.example:8000", h)
		}
	}
	if o.KeyFile != "" {
		b, err := os.ReadFile(o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("serve: the token of Label Studio: %w", err)
		}
		if s.key = strings.TrimSpace(string(b)); s.key == "" || strings.ContainsAny(s.key, " \r\n\t") {
			return nil, fmt.Errorf("serve: %s must have one token of Label Studio in it", o.KeyFile)
		}
	}
	if o.Files != "" {
		if s.root, err = os.OpenRoot(o.Files); err != nil {
			return nil, fmt.Errorf("serve: the folder of Label Studio's files: %w", err)
		}
	}
	s.client = &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("more than 3 redirections")
		}
		if !s.own(r.URL) {
			r.Header.Del("Authorization")
		}
		return s.allowed(r.URL)
	}}
	return s, nil
}

// own reports whether an address is Label Studio's.
func (s *studio) own(u *url.URL) bool { return u.Scheme == s.at.Scheme && u.Host == s.at.Host }

// allowed returns an error for an address that is not fetched.
func (s *studio) allowed(u *url.URL) error {
	switch {
	case s.own(u), (u.Scheme == "http" || u.Scheme == "https") && slices.Contains(s.hosts, u.Host):
		return nil
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("addresses that begin with %.20q are not opened: let Label Studio pass on pictures of its storage by http", u.Scheme+":")
	}
	return fmt.Errorf("pictures are not fetched from %.100q: allow it with --label-studio-hosts", u.Host)
}

// open returns the bytes of a task's picture, and what to call when they are no longer needed.
func (s *studio) open(ctx context.Context, ref string) ([]byte, func(), error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	done := func() { <-s.slots }
	b, err := s.read(ctx, ref)
	if err != nil {
		done()
		return nil, nil, err
	}
	return b, done, nil
}

func (s *studio) read(ctx context.Context, ref string) ([]byte, error) {
	if ref == "" {
		return nil, errors.New("the task has no picture in the variable that the labeling interface names")
	}
	if text, ok := strings.CutPrefix(ref, "data:"); ok {
		_, text, ok = strings.Cut(text, ";base64,")
		b, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			return nil, errors.New("the picture within the task is not in base64")
		}
		return b, nil
	}
	u, err := url.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("%.200q is no address", ref)
	}
	u = s.at.ResolveReference(u)
	if err := s.allowed(u); err != nil {
		return nil, err
	}
	if s.root != nil && s.own(u) && strings.Trim(u.Path, "/") == "data/local-files" {
		f, err := s.root.Open(strings.TrimLeft(u.Query().Get("d"), "/"))
		if err != nil {
			return nil, fmt.Errorf("%.200q is not in the folder of Label Studio's files: %w", u.Query().Get("d"), err)
		}
		defer func() { _ = f.Close() }()
		if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
			return nil, fmt.Errorf("%.200q is no file", u.Query().Get("d"))
		}
		return s.bounded(f)
	}
	return s.fetch(ctx, u)
}

// fetch gets a picture, from Label Studio with its token.
func (s *studio) fetch(ctx context.Context, u *url.URL) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if s.own(u) && s.key != "" {
		authorization, err := s.authorization(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", authorization)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetching the picture: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("fetching the picture: %s says %s: give a token of a user who may see it with --label-studio-key", u.Host, res.Status)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("fetching the picture: %s says %s", u.Host, res.Status)
	}
	return s.bounded(res.Body)
}

func (s *studio) bounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, s.most+1))
	if err == nil && int64(len(b)) > s.most {
		err = fmt.Errorf("the picture has more than %d bytes, the limit", s.most)
	}
	return b, err
}

// authorization returns the header for Label Studio: with a legacy token itself, or, of a personal access token, which is
// a JSON web token, with the one that Label Studio gives for it.
func (s *studio) authorization(ctx context.Context) (string, error) {
	if strings.Count(s.key, ".") != 2 {
		return "Token " + s.key, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.renewed) < accessLives {
		return "Bearer " + s.access, nil
	}
	body, err := json.Marshal(map[string]string{"refresh": s.key})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.at.JoinPath("api/token/refresh").String(), strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("asking Label Studio for access: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct{ Access string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&got); err != nil || res.StatusCode != http.StatusOK || got.Access == "" {
		return "", fmt.Errorf("asking Label Studio for access with the token of --label-studio-key: it says %s", res.Status)
	}
	s.access, s.renewed = got.Access, time.Now()
	return "Bearer " + s.access, nil
}
