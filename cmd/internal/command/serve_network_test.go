//go:build unix

package command

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests put the built command on a network in each way that it has. What
// the library answers then is tested in package serve.

// networked starts `whippet serve` of a tiny model in dir, which has the files
// that flags name, and waits until it serves. It returns the address as it is
// logged.
func networked(t *testing.T, dir string, flags ...string) (*process, string) {
	t.Helper()
	tiny(t, filepath.Join(dir, "m.safetensors"))
	p := start(t, dir, append([]string{"serve", "m.safetensors", "--log", "json", "--reload", "20ms"}, flags...)...)
	address := ""
	p.until("the service's address", func() bool {
		for line := range strings.Lines(p.out.String()) {
			var e struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &e) == nil && e.Msg == "serving" {
				address = e.Address
			}
		}
		return address != ""
	})
	return p, address
}

// status asks with GET and a header "Name: value" or none.
func status(t *testing.T, c *http.Client, url, header string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// TestServeTokens: --tokens closes all but health checks, and the file is read
// again when it changes.
func TestServeTokens(t *testing.T) {
	const one, two = "Authorization: Bearer 0123456789abcdef-one", "Authorization: Bearer 0123456789abcdef-two"
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens")
	write := func(header string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte("# a comment\n"+strings.TrimPrefix(header, "Authorization: Bearer ")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(one)
	p, address := networked(t, dir, "--address", "127.0.0.1:0", "--tokens", "tokens")
	for _, c := range []struct {
		path, header string
		want         int
	}{{"/healthz", "", 200}, {"/models", "", 401}, {"/metrics", "", 401}, {"/models", two, 401}, {"/models", one, 200}} {
		if got := status(t, http.DefaultClient, address+c.path, c.header); got != c.want {
			t.Errorf("GET %s with %q: %d, want %d", c.path, c.header, got, c.want)
		}
	}
	write(two)
	p.until("the new token", func() bool { return status(t, http.DefaultClient, address+"/models", two) == 200 })
	if got := status(t, http.DefaultClient, address+"/models", one); got != 401 {
		t.Errorf("the old token: %d, want 401", got)
	}
	if strings.Contains(p.out.String(), "0123456789abcdef") {
		t.Errorf("the log has a token:\n%s", &p.out)
	}
}

// pair writes a certificate for 127.0.0.1 with that serial number, and its key.
func pair(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plan := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, plan, plan, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, b := range map[string][]byte{"cert.pem": text, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// TestServeTLS: with --tls-cert and --tls-key the service speaks TLS only, and
// takes new files while it runs.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	pool := pair(t, dir, 1)
	p, address := networked(t, dir, "--address", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	if !strings.HasPrefix(address, "https://") {
		t.Fatalf("the address is %s", address)
	}
	client := func(pool *x509.CertPool) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	}
	if got := status(t, client(pool), address+"/models", ""); got != 200 {
		t.Errorf("over TLS: %d, want 200", got)
	}
	if got := status(t, http.DefaultClient, "http"+strings.TrimPrefix(address, "https")+"/models", ""); got != 400 {
		t.Errorf("without TLS: %d, want 400", got)
	}
	pool = pair(t, dir, 2)
	p.until("the new certificate", func() bool {
		c, err := tls.Dial("tcp", strings.TrimPrefix(address, "https://"), &tls.Config{RootCAs: pool})
		if err != nil {
			return false
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64() == 2
	})
}

// TestServeUnixSocket: --address unix:PATH with --socket-mode; the socket goes
// with the service.
func TestServeUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "w") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	p, address := networked(t, dir, "--address", "unix:s", "--socket-mode", "0620")
	if address != "unix:s" {
		t.Errorf("the address is %s", address)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o620 {
		t.Errorf("the socket: %v, %v; want permissions 0620", info, err)
	}
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	if got := status(t, c, "http://pets.example/models", ""); got != 200 {
		t.Errorf("over the socket: %d, want 200", got)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != 0 || exists(socket) {
		t.Errorf("after SIGTERM: exit code %d, the socket is there: %t\n%s", code, exists(socket), &p.out)
	}
}

// TestServeHosts: on this machine only, names that a page may have made up are
// refused; --allowed-hosts allows more.
func TestServeHosts(t *testing.T) {
	for _, c := range []struct {
		flags []string
		wants map[string]int
	}{
		{nil, map[string]int{"evil.example": 421, "evil.example:80": 421, "localhost": 200, "localhost.:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "pets.example": 421}},
		{[]string{"--allowed-hosts", "pets.example,cats.example"}, map[string]int{"pets.example": 200, "CATS.example.:80": 200, "evil.example": 421, "xpets.example": 421}},
	} {
		_, address := networked(t, t.TempDir(), append([]string{"--address", "127.0.0.1:0"}, c.flags...)...)
		for host, want := range c.wants {
			if got := status(t, http.DefaultClient, address+"/models", "Host: "+host); got != want {
				t.Errorf("%v: Host %s: %d, want %d", c.flags, host, got, want)
			}
		}
	}
}

// TestServeQueueTimeout: a request for which there is no memory is refused when
// --queue-timeout is over, and not before.
func TestServeQueueTimeout(t *testing.T) {
	for flag, least := range map[string]time.Duration{"400ms": 400 * time.Millisecond, "-1s": 0} {
		_, address := networked(t, t.TempDir(), "--address", "127.0.0.1:0", "--max-body", "1000", "--max-bodies", "2002", "--queue-timeout", flag)
		for range 2 { // bodies that do not end
			c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"); err != nil {
				t.Fatal(err)
			}
		}
		began, until := time.Now(), time.Now().Add(20*time.Second)
		for {
			res, err := http.Post(address+"/predict", "", strings.NewReader(strings.Repeat("x", 1000)))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode == http.StatusServiceUnavailable {
				if took := time.Since(began); took < least {
					t.Errorf("--queue-timeout %s: refused after %v", flag, took)
				}
				break
			}
			if began = time.Now(); began.After(until) { // the two have not arrived yet
				t.Fatalf("--queue-timeout %s: status %d, never 503", flag, res.StatusCode)
			}
		}
	}
}
