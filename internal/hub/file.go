package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/internal/fetch"
)

// File returns the path of a file of a repository, in the snapshot of the commit
// that the revision stands for, and that commit. file is a plain name such as
// model.safetensors. The Hub is asked whether the revision has moved; when it
// cannot be, or c is offline, the last commit that the cache knows is taken. A file
// whose content does not have the hash that it is called by is downloaded anew, or
// refused when that cannot be.
//
// errors.Is tells ErrNoRepo, ErrNoRevision, ErrNoFile, ErrGated and ErrOffline
// apart. After an error of the network the part that came is kept for the next
// time.
func (c Client) File(ctx context.Context, r Repo, file string) (path, commit string, err error) {
	if !plain.MatchString(file) {
		return "", "", fmt.Errorf("hub: %.60q is no plain file name", file)
	}
	s := store{filepath.Join(c.Cache, r.folder())}
	path, commit, err = c.file(ctx, s, r, file)
	if err != nil {
		return "", "", fmt.Errorf("hub: %w", err)
	}
	return path, commit, nil
}

func (c Client) file(ctx context.Context, s store, r Repo, file string) (path, commit string, err error) {
	here, at, cached := s.find(r.Revision, file)
	if cached {
		cached = s.intact(here) == nil
	}
	if cached && (c.Offline || isCommit(r.Revision)) { // a commit does not change
		return here, at, nil
	}
	if c.Offline {
		return "", "", &wrong{ErrOffline, fmt.Sprintf("%s of %s is not in the cache %s, and HF_HUB_OFFLINE forbids to ask for it: unset it, or bring the folder %s from a machine that has it", file, r, c.Cache, r.folder())}
	}
	times := 1
	if !cached {
		times = c.tries
		if times == 0 {
			times = 4
		}
	}
	m, err := c.ask(ctx, r, file, times)
	if err != nil {
		if ctx.Err() != nil {
			return "", "", context.Cause(ctx)
		}
		var net *unreachable
		away := errors.As(err, &net) || fetch.Passing(err)
		switch {
		case away && cached:
			return here, at, nil
		case away:
			return "", "", &wrong{ErrOffline, fmt.Sprintf("%s of %s is not in the cache %s: %v: connect, set HF_ENDPOINT to a mirror, or bring the folder %s from a machine that has it", file, r, c.Cache, err, r.folder())}
		}
		return "", "", err
	}
	if path, err = c.bring(ctx, s, r, file, m); err != nil {
		return "", "", err
	}
	return path, m.commit, nil
}

// bring puts the file that m describes into the cache.
func (c Client) bring(ctx context.Context, s store, r Repo, file string, m metadata) (string, error) {
	link, blob := s.snapshot(m.commit, file), s.blob(m.etag)
	if _, err := os.Stat(link); err == nil && s.intact(link) == nil {
		// A cache that cannot be written to is no hindrance: the file is there.
		_ = s.setRef(r.Revision, m.commit)
		return link, nil
	}
	if err := s.prepare(m.commit); err != nil {
		return "", fmt.Errorf("cannot write to the Hub's cache: %w; set HF_HOME to a folder that can be written", err)
	}
	if info, err := os.Stat(blob); err == nil && (m.size > 0 && info.Size() != m.size || s.intact(blob) != nil) {
		if err := os.Remove(blob); err != nil {
			return "", fmt.Errorf("%s is damaged and cannot be replaced: %w", blob, err)
		}
	}
	request := fetch.Request{
		URL: c.address(Repo{r.Name, m.commit}, file), Path: blob, Size: m.size, MaxBytes: c.maxBytes(),
		Header: c.headers(), Lock: filepath.Join(c.Cache, ".locks", r.folder(), m.etag+".lock"), Backoff: c.backoff,
	}
	switch {
	case isSHA256(m.etag):
		request.SHA256 = m.etag
	case isCommit(m.etag): // Git's hashes of files look like those of commits
		request.GitSHA1 = m.etag
	}
	if c.Progress != nil {
		request.Progress = func(done, total int64) { c.Progress(file, done, total) }
	}
	if err := fetch.Get(ctx, request); err != nil {
		return "", err
	}
	if isPointer(blob) {
		_ = os.Remove(blob) // it is in nobody's snapshot yet
		return "", fmt.Errorf("%s sent a Git LFS pointer in place of %s of %s: the server does not have the file itself; use another mirror", c.Endpoint, file, r)
	}
	if err := s.link(blob, link); err != nil {
		return "", err
	}
	if err := s.setRef(r.Revision, m.commit); err != nil {
		return "", err
	}
	return link, nil
}
