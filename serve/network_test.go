package serve

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTokens: without a token only health and the page's files are answered;
// tokens change with their file, and a file without tokens changes nothing.
func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	const one, two, three = "0123456789abcdef-one", "0123456789abcdef-two", "0123456789abcdef-three"
	write("# for the web shop\n"+one+"\n\n"+two+"\n", 3*time.Hour)
	s, h, _ := newServer(t, Options{TokenFile: path})
	ask := func(method, path, authorization string) int {
		t.Helper()
		req, err := http.NewRequest(method, h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if (res.StatusCode == 401) != (res.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("status %d with WWW-Authenticate %q", res.StatusCode, res.Header.Get("WWW-Authenticate"))
		}
		return res.StatusCode
	}
	for _, path := range []string{"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/page.js"} {
		if status := ask("GET", path, ""); status != 200 {
			t.Errorf("GET %s without a token: %d, want 200", path, status)
		}
	}
	for _, a := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + one + "x", "Basic " + one, one, "Bearer # for the web shop"} {
		for _, path := range []string{"/models", "/metrics", "/v2/models/pets", "/nothing"} {
			if status := ask("GET", path, a); status != 401 {
				t.Errorf("GET %s with Authorization %q: %d, want 401", path, a, status)
			}
		}
		if status := ask("POST", "/predict", a); status != 401 {
			t.Errorf("POST /predict with Authorization %q: %d, want 401", a, status)
		}
	}
	for _, a := range []string{"Bearer " + one, "bearer " + two} {
		if status := ask("GET", "/models", a); status != 200 {
			t.Errorf("with Authorization %q: %d, want 200", a, status)
		}
	}
	write(three+"\n", 2*time.Hour)
	s.reloadSecrets()
	if old, new := ask("GET", "/models", "Bearer "+one), ask("GET", "/models", "Bearer "+three); old != 401 || new != 200 {
		t.Errorf("after the file changed: %d with the old token, %d with the new one", old, new)
	}
	for _, bad := range []string{"", "# none\n", "short\n", three + "\nshort\n"} {
		write(bad, time.Hour)
		s.reloadSecrets()
		if status := ask("GET", "/models", "Bearer "+three); status != 200 {
			t.Errorf("after the file became %q: %d; the tokens should have stayed", bad, status)
		}
		if _, err := newTokens(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a file %q gives %v; want an error that names it", bad, err)
		}
	}
}

// newPair writes a certificate with a serial number, and its key.
func newPair(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(time.Duration(serial) * time.Hour) // another version for sure
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// serveOn serves s on l until the test ends.
func serveOn(t *testing.T, s *Server, l net.Listener) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// modelServer is a Server of one small model that nobody serves yet.
func modelServer(t *testing.T, o Options) *Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saveModel(t, path, 5, "cat", "dog")
	o.Log = slog.New(slog.DiscardHandler)
	s, err := New(o, ModelFile{Name: "pets", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCertificateReload: a connection made after the files changed has the new
// certificate; files that do not belong together change nothing. Lengths given
// twice are refused over TLS too.
func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	newPair(t, certFile, keyFile, 1)
	s := modelServer(t, Options{CertFile: certFile, KeyFile: keyFile, Reload: -1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, s, l)
	serial := func() int64 {
		t.Helper()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // which certificate it is, is the question
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		client := &client{t, c, bufio.NewReader(c)}
		if status, _, b := client.ask("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); status != 200 {
			t.Errorf("over TLS: %d %s", status, b)
		}
		if status, _, b := client.ask("POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); status != 400 {
			t.Errorf("a length given twice over TLS: %d %s", status, b)
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("certificate %d, want 1", n)
	}
	newPair(t, certFile, keyFile, 2)
	s.reloadSecrets()
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after the files changed, want 2", n)
	}
	newPair(t, certFile, filepath.Join(dir, "other.pem"), 3) // without its key
	s.reloadSecrets()
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after one file changed, want 2", n)
	}
}

// TestUnixSocket: a socket has its mode, goes with the service, and one left
// behind is replaced, but no file and no socket in use.
func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "w") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("no Unix sockets: %v", err)
	}
	if u, ok := left.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if _, err := Listen("unix:"+path, 0o600); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a socket in use gives %v", err)
	}
	_ = left.Close()
	l, err := Listen("unix:"+path, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v; want permissions 0660", info.Mode(), err)
	}
	serveOn(t, modelServer(t, Options{}), l)
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	res, err := c.Get("http://pets.example/models") // a proxy passes its own name on
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != 200 {
		t.Errorf("over the socket: %d %s", res.StatusCode, b)
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+file, 0o600); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file in the socket's place gives %v", err)
	}
}
