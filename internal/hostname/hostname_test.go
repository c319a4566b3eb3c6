package hostname

import "testing"

func TestAllowed(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:4711": true, "[::1]:4711": true, "::1": true, "LocalHost:80": true, "localhost": true,
		"pets.example": true, "PETS.example:443": true,
		"localhost.": true, "Pets.example.:80": true, "": false, ".": false, "..": false, "localhost..": false,
		"evil.example:4711": false, "127.0.0.1.evil.example": false, "pets.example.evil.example": false, "localhost.evil.example": false,
	} {
		if got := Allowed(host, "pets.example"); got != want {
			t.Errorf("Allowed(%q) is %v, want %v", host, got, want)
		}
	}
	if Allowed("pets.example") {
		t.Error("a name that nobody allowed is allowed")
	}
}
