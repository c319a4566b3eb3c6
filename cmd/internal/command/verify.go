package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/vision"
)

func newVerify() *cobra.Command {
	var source string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --data FOLDER",
		Short: "Decode every picture of a data set and report the damaged ones; nothing is deleted",
		Long: `Decode every picture below a folder, in a known data set or in an archive, and
report those that cannot be read. Nothing is changed or deleted. The exit code
is 1 when there is a damaged picture.`,
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
			ctx := cmd.Context()
			p := newPrinter(asJSON)
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
			problems, err := data.Verify(ctx, vision.ImageFiles, items, 0, func(done, total int) {
				p.progress("decoding", done, total, "pictures")
			})
			p.close()
			if err != nil {
				return err
			}
			for _, pr := range problems {
				if asJSON {
					fmt.Fprintln(cmd.OutOrStdout(), mustJSON(map[string]any{"event": "damaged", "path": pr.Path, "error": pr.Err.Error()}))
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %v\n", pr.Path, pr.Err)
				}
			}
			if asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), mustJSON(map[string]any{"event": "done", "pictures": len(items), "damaged": len(problems)}))
			} else {
				fmt.Fprintf(cmd.OutOrStdout(), "%d pictures decoded, %d damaged\n", len(items)-len(problems), len(problems))
			}
			if len(problems) > 0 {
				fmt.Fprintln(os.Stderr, "whippet: train leaves damaged pictures out with --damaged skip")
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&source, "data", "", "a known set's name, an address, a folder or an archive")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}
