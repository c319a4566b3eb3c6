package hub

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Client fetches files. FromEnvironment makes one.
type Client struct {
	Endpoint string // https://huggingface.co, or a mirror; no slash at its end
	Cache    string // the folder of the cache
	Token    string // sent to Endpoint and to no other host; "" for none
	Offline  bool   // take what is in the cache, ask nobody
	MaxBytes int64  // refuse larger files; 0 is 16 GiB
	// Progress is called now and then while a file comes; total is -1 if not known.
	Progress func(file string, done, total int64)

	tries   int           // of a question before giving up; 0 is 4
	backoff time.Duration // before the second; 0 is 1 s
}

const (
	defaultEndpoint = "https://huggingface.co"
	defaultMaxBytes = 16 << 30
	maxToken        = 4096 // bytes of a token's file
)

// FromEnvironment returns the client that the variables of huggingface_hub
// describe: HF_ENDPOINT, HF_HUB_CACHE (or hub in HF_HOME, or in huggingface in the
// user's cache folder), HF_TOKEN (or the file at HF_TOKEN_PATH, or token in HF_HOME;
// none with HF_HUB_DISABLE_IMPLICIT_TOKEN), HF_HUB_OFFLINE. It returns an error for
// an endpoint that is no http address and when there is no home directory.
func FromEnvironment() (Client, error) {
	c := Client{Endpoint: strings.TrimRight(os.Getenv("HF_ENDPOINT"), "/"), Offline: isTrue("HF_HUB_OFFLINE") || isTrue("TRANSFORMERS_OFFLINE")}
	if c.Endpoint == "" {
		c.Endpoint = defaultEndpoint
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return c, fmt.Errorf("HF_ENDPOINT=%.200s is not the address of a Hub: want http(s)://HOST", c.Endpoint)
	}
	home, err := homeFolder()
	if c.Cache = firstPath("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"); c.Cache == "" {
		if err != nil {
			return c, err
		}
		c.Cache = filepath.Join(home, "hub")
	}
	c.Token = token(home)
	return c, nil
}

// homeFolder is $HF_HOME, or huggingface in the user's cache folder, which
// huggingface_hub takes to be ~/.cache on every system.
func homeFolder() (string, error) {
	if h := firstPath("HF_HOME"); h != "" {
		return h, nil
	}
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("there is no home folder for the Hub's cache (%w): set HF_HOME to a folder for downloads", err)
		}
		base = filepath.Join(user, ".cache")
	}
	return filepath.Join(base, "huggingface"), nil
}

// firstPath returns the first of the variables that is set, with ~ and variables
// in it expanded.
func firstPath(names ...string) string {
	for _, name := range names {
		p := os.ExpandEnv(os.Getenv(name))
		if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
			if user, err := os.UserHomeDir(); err == nil {
				p = user + rest
			}
		}
		if p != "" {
			return p
		}
	}
	return ""
}

func isTrue(name string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(os.Getenv(name)))
}

// token returns the user's token, "" if there is none or it is not to be sent
// unasked.
func token(home string) string {
	if isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
		return ""
	}
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := cleanToken(os.Getenv(name)); t != "" {
			return t
		}
	}
	path := firstPath("HF_TOKEN_PATH")
	if path == "" && home != "" {
		path = filepath.Join(home, "token")
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxToken {
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return cleanToken(string(b))
}

// cleanToken takes line ends and blanks off, and gives up a token that a header
// cannot hold.
func cleanToken(t string) string {
	t = strings.TrimSpace(t)
	if strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return t
}
