package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/parts"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/vision"
)

func newVerify() *cobra.Command {
	var source string
	var asJSON bool
	var to partFlags
	cmd := &cobra.Command{
		Use:   "verify --data FOLDER",
		Short: "Decode every picture of a data set and report the damaged ones; nothing is deleted",
		Long: `Decode every picture below a folder, in a known data set or in an archive, and
report those that cannot be read. Nothing is changed or deleted. The exit code
is 1 when there is a damaged picture.

With --out, the damaged ones are written to a file. With --part, one of several
machines looks at its part of the pictures; see docs/many-machines.md.`,
		Example: `  whippet verify --data photos/`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 { // as it once was
				if source != "" {
					return errors.New("name the data once, with --data")
				}
				source = args[0]
				fmt.Fprintf(cmd.ErrOrStderr(), "whippet: note: the data is named with --data now, as in the other commands: whippet verify --data %s\n", plainName(source))
			}
			if source == "" {
				return errors.New("name the data to verify with --data: a folder, an archive, or a known set's name")
			}
			if err := to.settle(""); err != nil {
				return err
			}
			return verify(cmd, source, asJSON, &to)
		},
	}
	cmd.Flags().StringVar(&source, "data", "", "a known set's name, an address, a folder or an archive")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	to.flags(cmd)
	return cmd
}

// verify decodes the pictures of source, or of one part of them.
func verify(cmd *cobra.Command, source string, asJSON bool, to *partFlags) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	p := newPrinter(w, asJSON)
	defer p.close()
	root, err := datasets.Untar(ctx, source, datasets.WithProgress(p.download))
	if err != nil {
		return err
	}
	items, notes, err := vision.ImageFiles.ListNoted(ctx, root)
	if err != nil {
		return err
	}
	for _, n := range notes {
		p.note("note: %s", n)
	}
	work := parts.Run{Command: "verify", Files: len(items), Unit: 1}
	if to.p != nil {
		names := make([]string, len(items))
		for i, it := range items {
			names[i] = it.Path
		}
		work.Listing = parts.Digest(names)
		from, end := to.p.Range(len(items), work.Unit)
		items = items[from:end]
	}
	problems, err := data.Verify(ctx, vision.ImageFiles, items, 0, func(done, total int) {
		p.progress("decoding", done, total, "pictures")
	})
	p.close()
	if err != nil {
		return err
	}
	if to.out != "" {
		if _, _, err := to.write(w, work, func(w io.Writer) (int, int, error) {
			return len(items) - len(problems), len(problems), writeProblems(w, problems, to)
		}); err != nil {
			return err
		}
		if to.p != nil {
			return nil
		}
	}
	if to.out == "" {
		for _, pr := range problems {
			if asJSON {
				fmt.Fprintln(w, mustJSON(map[string]any{"event": "damaged", "path": pr.Path, "error": pr.Err.Error()}))
			} else {
				fmt.Fprintf(w, "%s: %v\n", pr.Path, pr.Err)
			}
		}
	}
	if asJSON {
		fmt.Fprintln(w, mustJSON(map[string]any{"event": "done", "pictures": len(items), "damaged": len(problems)}))
	} else {
		fmt.Fprintf(w, "%d pictures decoded, %d damaged\n", len(items)-len(problems), len(problems))
	}
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "whippet: train leaves damaged pictures out with --damaged skip")
		return exitCode(1)
	}
	return nil
}

// writeProblems writes the damaged pictures to the file of --out.
func writeProblems(w io.Writer, problems []*data.ItemError, to *partFlags) error {
	table := csv.NewWriter(w)
	if to.form == "csv" {
		_ = table.Write([]string{"file", "error"}) // an error comes out of Flush
	}
	for _, pr := range problems {
		if to.form == "csv" {
			_ = table.Write([]string{pr.Path, pr.Err.Error()})
		} else if _, err := fmt.Fprintln(w, mustJSON(jsonResult{File: pr.Path, Error: pr.Err.Error()})); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}
