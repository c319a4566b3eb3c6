package command

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/licenses"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// version is set by releases: -ldflags
// "-X github.com/whippet-ml/whippet/cmd/internal/command.version=v1.2.3". Without it the
// version is that of the module, or (devel).
var version string

// build is what a program says about itself.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified"`       // since the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Set      string `json:"instruction_set"` // that the kernels use here
}

// thisBuild reads what the Go tool has noted in the program.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Set: isa.Active().String()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is one line.
func (b build) String() string {
	s := []string{"whippet " + b.Version}
	if b.Commit != "" {
		c := "commit " + b.Commit[:min(len(b.Commit), 12)]
		if b.Modified {
			c += " (modified)"
		}
		s = append(s, c)
	}
	return strings.Join(append(s, b.Go, b.OS+"/"+b.Arch, "instruction set "+b.Set), ", ")
}

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:         "version",
		Annotations: anywhere,
		Short:       "Tell the version, the commit, and the instruction set in use",
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			b := thisBuild()
			if asJSON {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), mustJSON(b))
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), b)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newLicenses() *cobra.Command {
	return &cobra.Command{
		Use:         "licenses",
		Annotations: anywhere,
		Short:       "Print the license texts of what is compiled into this program",
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), licenses.Text)
			return err
		},
	}
}
