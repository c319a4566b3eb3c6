package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/parts"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// partFlags are those of commands that write a result for each file of a listing:
// where to, and for which part of the listing.
type partFlags struct {
	out  string
	part string
	of   int
	form string // csv or json, of out
	p    *parts.Part
}

func (f *partFlags) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.out, "out", "o", "", "write the results to this file, .csv or .jsonl, whole or not at all")
	fl.StringVar(&f.part, "part", "", "`I/N`: only the I-th of N parts of the listing, from 1; auto asks the job array of Slurm or the Indexed Job of Kubernetes. The part is in the name of the file of --out, and whippet merge joins them")
	fl.IntVar(&f.of, "parts", 0, "with --part auto: how many parts there are, where the system does not tell it")
}

// settle reads the flags. form is that of standard output, if a flag asks for one.
func (f *partFlags) settle(form string) error {
	if f.out != "" {
		switch ext := strings.ToLower(filepath.Ext(f.out)); ext {
		case ".csv":
			f.form = "csv"
		case ".jsonl", ".ndjson", ".json":
			f.form = "json"
		default:
			return fmt.Errorf("--out %s: the name must end in .csv or .jsonl", f.out)
		}
		if form != "" && form != f.form {
			return fmt.Errorf("--out %s is %s, and --%s asks for another form: give one of them", f.out, f.form, form)
		}
	}
	switch {
	case f.part == "" && f.of != 0:
		return errors.New("--parts goes with --part auto")
	case f.part == "":
		return nil
	case f.out == "":
		return errors.New("--part needs --out FILE, since the result of each part has a file of its own")
	}
	p, err := parts.Parse(f.part, f.of, os.Getenv)
	if err != nil {
		return fmt.Errorf("--part %s: %w", f.part, err)
	}
	f.p = &p
	return nil
}

// write writes the results to the file of --out. With --part, run says of which
// work this is a part. It says on w where they are.
func (f *partFlags) write(w io.Writer, run parts.Run, write func(w io.Writer) (done, failed int, err error)) (done, failed int, err error) {
	run.Form, run.Version = f.form, thisBuild().Version
	if f.p == nil {
		err = files.WriteFile(f.out, func(w io.Writer) (err error) {
			done, failed, err = write(w)
			return err
		})
		return done, failed, err
	}
	file := f.p.File(f.out)
	r, err := parts.Write(file, run, *f.p, isa.Active().String(), write)
	if err != nil {
		return r.Done, r.Failed, err
	}
	from, to := f.p.Range(run.Files, run.Unit)
	which := fmt.Sprintf("files %d to %d of %d", from+1, to, run.Files)
	if from == to {
		which = fmt.Sprintf("none of %d files, which %d parts do not need", run.Files, f.p.Of)
	}
	fmt.Fprintf(w, "%s: %s: %s, %d could not be read\n", file, f.p, which, r.Failed)
	return r.Done, r.Failed, nil
}

func newMerge() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge --out FILE [PART...]",
		Short: "Join the results that predict --part and verify --part wrote",
		Long: `Join the results of all parts, in order, to the file that one run without
--part writes, byte for byte. Without PARTs, those are taken that lie beside FILE and
have its name (FILE-part-1-of-9.csv for FILE.csv). A part that is missing, there
twice, changed since, or of another run (other files, another model, other options) is
an error that names it, and nothing is written.

The exit code is 1 when there were files that could not be read.`,
		Example: `  whippet predict runs/pets photos/ --part 1/2 --out answers.csv
  whippet predict runs/pets photos/ --part 2/2 --out answers.csv
  whippet merge --out answers.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("name the file to write with --out: the same name as the parts were given")
			}
			var err error
			if len(args) == 0 {
				if args, err = parts.Find(out); err != nil {
					return err
				}
			}
			m, err := parts.Merge(out, args)
			if err != nil {
				return err
			}
			if len(m.Sets) > 1 {
				fmt.Fprintf(cmd.ErrOrStderr(), "whippet: note: the parts were computed with different instruction sets (%s), so that last digits may differ from those of one run; WHIPPET_CPU chooses one for all\n", strings.Join(m.Sets, ", "))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d parts, %d files, of which %d could not be read\n", out, m.Parts, m.Done+m.Failed, m.Failed)
			if m.Failed > 0 {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the file to write")
	return cmd
}
