package hub

import (
	"errors"
	"fmt"
	"net/http"
)

// What can be wrong with a question; errors.Is tells them apart.
var (
	ErrNoRepo     = errors.New("no such repository")
	ErrNoRevision = errors.New("no such revision")
	ErrNoFile     = errors.New("no such file")
	ErrGated      = errors.New("access must be asked for")
	ErrOffline    = errors.New("not in the cache, and the Hub cannot be asked")
)

// wrong is an error with a kind that errors.Is finds but the message does not
// repeat.
type wrong struct {
	kind error
	text string
}

func (e *wrong) Error() string { return e.text }
func (e *wrong) Unwrap() error { return e.kind }

// refusal says what an answer that is no success means, and what to do. The Hub
// names the reason in X-Error-Code; servers that do not are taken at their status.
func (c Client) refusal(r Repo, file string, resp *http.Response) error {
	code, status := resp.Header.Get("X-Error-Code"), resp.StatusCode
	say := func(kind error, format string, args ...any) error { return &wrong{kind, fmt.Sprintf(format, args...)} }
	page := c.Endpoint + "/" + r.Name
	switch {
	case code == "RevisionNotFound":
		return say(ErrNoRevision, "%s has no revision %q: see %s/tree/main for its branches and tags", r.Name, r.Revision, page)
	case code == "EntryNotFound":
		return say(ErrNoFile, "%s has no file %s", r, file)
	case code == "GatedRepo" && c.Token == "":
		return say(ErrGated, "%s is gated: accept its conditions at %s, and give your token in HF_TOKEN or with `hf auth login`", r.Name, page)
	case code == "GatedRepo", status == http.StatusForbidden:
		return say(ErrGated, "the token that was sent may not read %s: accept its conditions at %s with the token's account, and let the token read gated repositories", r.Name, page)
	case code == "RepoNotFound" || status == http.StatusUnauthorized || status == http.StatusNotFound:
		if c.Token == "" {
			return say(ErrNoRepo, "%s has no repository %s, or it is private: check the name; for a private one give a token in HF_TOKEN", c.Endpoint, r.Name)
		}
		return say(ErrNoRepo, "%s has no repository %s, or the token that was sent may not read it: check the name and the token", c.Endpoint, r.Name)
	}
	return fmt.Errorf("%s answers %s for %s of %s", c.Endpoint, resp.Status, file, r)
}
