// Package slow sets tests apart that take long, or whose bounds are of memory and
// time: go test ./... leaves them out, so that it ends within two minutes on two
// processors, and .ci/slow runs them. The rules for the others: they hold on one
// busy processor, so they wait for events and not for a time, count work, bytes or
// processor time, and leave it to go test's own limit to end what hangs.
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
