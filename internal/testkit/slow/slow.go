// Package slow sets tests apart that take long, or whose bounds are of memory and
// time: go test ./... leaves them out, so that it ends within two minutes on any
// machine, and the checks run them by this name.
package slow

import (
	"os"
	"testing"
)

// Variable is the environment variable that switches the slow tests on, with
// any value but the empty one.
const Variable = "WHIPPET_SLOW"

// On reports whether the slow tests run.
func On() bool { return os.Getenv(Variable) != "" }

// Test skips a test that takes long, unless slow tests are on.
func Test(t testing.TB) {
	t.Helper()
	if !On() {
		t.Skipf("takes long: set %s=1 to run it", Variable)
	}
}
