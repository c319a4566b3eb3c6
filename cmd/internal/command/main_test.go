package command

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestMain makes the test binary be the command itself when it is started as
// "whippet", so that scripts and tests run real processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"whippet": func() { os.Exit(Main(nil)) }})
}

// TestScripts runs the command as a user does; see testdata/script.
func TestScripts(t *testing.T) { scripts(t, "testdata/script") }

// TestLongScripts runs the scripts that train for longer.
func TestLongScripts(t *testing.T) {
	slow.Test(t)
	scripts(t, "testdata/longscript")
}

func scripts(t *testing.T, folder string) {
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("WHIPPET_HOME", filepath.Join(env.WorkDir, "home"))
			if runtime.GOOS == "linux" {
				env.Setenv("GOMAXPROCS", "2")
			}
			// A set of drawn pictures small enough to train on in seconds.
			_, err := drawn.Write(context.Background(), filepath.Join(env.WorkDir, "photos"), drawn.Options{PerClass: 4, Size: 40})
			return err
		},
	})
}
