package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/whippet-ml/whippet/datasets"
)

func newData() *cobra.Command {
	cmd := &cobra.Command{Use: "data", Short: "List known data sets and fetch them"}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the data sets that are known by name", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				for _, d := range datasets.List() {
					fmt.Fprintln(cmd.OutOrStdout(), mustJSON(map[string]any{"name": d.Name, "url": d.URL, "bytes": d.Size, "about": d.About}))
				}
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, d := range datasets.List() {
				fmt.Fprintf(w, "%s\t%.1f MB\t%s\n", d.Name, float64(d.Size)/1e6, d.About)
			}
			return w.Flush()
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	get := &cobra.Command{
		Use: "get NAME|URL|FILE", Short: "Download and extract a data set, and print its folder", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd.OutOrStdout(), false)
			defer p.close()
			path, err := datasets.Untar(cmd.Context(), args[0], datasets.WithProgress(p.download))
			if err != nil {
				return err
			}
			p.close()
			fmt.Fprintln(cmd.OutOrStdout(), path)
			return nil
		},
	}
	cmd.AddCommand(list, get)
	return cmd
}
