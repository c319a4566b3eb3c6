package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// Repo is a repository of models at a revision.
type Repo struct {
	Name     string // ORG/NAME, or NAME alone as the oldest are called
	Revision string // a branch, a tag or a commit
}

// Main is the branch that is meant when no revision is given.
const Main = "main"

var (
	repoName = regexp.MustCompile(`^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,95}/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$`)
	revision = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}$`)
	commit   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	// plain is a name that a server gives and that becomes a file's here.
	plain = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$`)
)

// ParseRepo reads ORG/NAME[@REVISION]. It returns an error for what cannot be the
// name of a repository or of a revision.
func ParseRepo(s string) (Repo, error) {
	name, rev, given := strings.Cut(s, "@")
	if !repoName.MatchString(name) || strings.Contains(name, "--") || strings.Contains(name, "..") || strings.HasSuffix(name, ".git") {
		return Repo{}, fmt.Errorf("%.100q is no repository of the Hub: want ORG/NAME or ORG/NAME@REVISION", s)
	}
	if !given {
		rev = Main
	}
	if !revision.MatchString(rev) || strings.Contains(rev, "..") || strings.Contains(rev, "//") || strings.HasSuffix(rev, "/") || strings.HasSuffix(rev, ".lock") {
		return Repo{}, fmt.Errorf("%.100q names no revision after the @: want a branch, a tag or a commit", s)
	}
	return Repo{Name: name, Revision: rev}, nil
}

// String is what ParseRepo reads, without the branch that is meant anyway.
func (r Repo) String() string {
	if r.Revision == Main || r.Revision == "" {
		return r.Name
	}
	return r.Name + "@" + r.Revision
}

// folder is the name of the repository's folder in the cache.
func (r Repo) folder() string { return "models--" + strings.ReplaceAll(r.Name, "/", "--") }
