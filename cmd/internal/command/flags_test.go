package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls visit with every command and its name, as in "bench train".
func eachCommand(cmd *cobra.Command, visit func(name string, cmd *cobra.Command)) {
	for _, c := range cmd.Commands() {
		visit(strings.TrimPrefix(c.CommandPath(), "whippet "), c)
		eachCommand(c, visit)
	}
}

// TestFlagsAgree wants a flag's name to mean one kind of value and one letter in
// every command that has it.
func TestFlagsAgree(t *testing.T) {
	type meaning struct{ kind, letter, command string }
	first := map[string]meaning{}
	eachCommand(newRoot(), func(name string, cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Deprecated != "" {
				return
			}
			is := meaning{strings.TrimSuffix(f.Value.Type(), "Array"), f.Shorthand, name}
			was, ok := first[f.Name]
			if !ok {
				first[f.Name] = is
			} else if was.kind != is.kind || was.letter != is.letter {
				t.Errorf("--%s is %s (-%s) in %s and %s (-%s) in %s", f.Name, was.kind, was.letter, was.command, is.kind, is.letter, is.command)
			}
		})
	})
}

// TestOldNamesOfFlags gives flags by their old names, and wants what the new ones
// do, and a note that says so.
func TestOldNamesOfFlags(t *testing.T) {
	for _, c := range []struct{ command, old, value, now string }{
		{"clean", "addr", "127.0.0.1:8090", "address"},
		{"serve", "max-batch", "8", "batch"},
		{"predict", "from", "list.txt", "files-from"},
		{"interpret", "csv", "predictions.csv", "table"},
		{"lr-find", "csv", "lr.csv", "table"},
		{"train", "watch", "127.0.0.1:8090", "address"},
	} {
		cmd, _, err := newRoot().Find([]string{c.command})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		cmd.Flags().SetOutput(&said)
		if err := cmd.Flags().Parse([]string{"--" + c.old + "=" + c.value}); err != nil {
			t.Errorf("%s --%s: %v", c.command, c.old, err)
			continue
		}
		if got := cmd.Flags().Lookup(c.now).Value.String(); got != c.value {
			t.Errorf("%s --%s=%s sets --%s to %q", c.command, c.old, c.value, c.now, got)
		}
		if c.command == "train" { // it says so when the page opens
			continue
		}
		if !strings.Contains(said.String(), "--"+c.now) {
			t.Errorf("%s --%s says %q, which does not name --%s", c.command, c.old, &said, c.now)
		}
	}
}

// TestExportByOldNames writes both forms as they were once asked for, and as they
// are now, and refuses a name that says neither.
func TestExportByOldNames(t *testing.T) {
	model, dir := smallModel(t), t.TempDir()
	for _, args := range [][]string{
		{"--onnx", dir + "/a.graph", "--safetensors", dir + "/a.parameters"},
		{"--out", dir + "/b.onnx", "-o", dir + "/b.safetensors"},
	} {
		text, err := runCommand(t, nil, append([]string{"export", model}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "ONNX opset") || !strings.Contains(text, "arrays of") {
			t.Errorf("%q: %s", args, text)
		}
	}
	if _, err := runCommand(t, nil, "export", model, "--out", dir+"/c.pth"); err == nil || !strings.Contains(err.Error(), ".onnx or .safetensors") {
		t.Errorf("--out c.pth: %v", err)
	}
}

// TestAddressWithoutWatch refuses an address for a page that nobody asked for.
func TestAddressWithoutWatch(t *testing.T) {
	if _, err := runCommand(t, nil, "train", "--address", "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "--watch") {
		t.Errorf("%v", err)
	}
}
