// Package hostname says by which names a server that listens on loopback may be
// called. A page from elsewhere can let a name of its own point to 127.0.0.1
// (DNS rebinding), and the browser then lets it read the answers: so only
// localhost, IP addresses, which nobody can make point elsewhere, and names that
// the server's owner allows are accepted.
package hostname

import (
	"net"
	"net/netip"
	"strings"
)

// Allowed reports whether host, a request's Host header with or without a port,
// is localhost, an IP address, or one of names (without ports, in any case). A
// dot at the end of a name, which says that it is whole, means nothing.
func Allowed(host string, names ...string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	for _, name := range append([]string{"localhost"}, names...) {
		if strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(name, ".")) {
			return true
		}
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
