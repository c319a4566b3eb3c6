package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whippet-ml/whippet/internal/nearest"
)

// This file says what is wrong with a command line, before the command begins.

// explainMistakes makes the commands below root say what is wrong with their arguments
// and flags, and what would be right.
func explainMistakes(root *cobra.Command) {
	root.SetFlagErrorFunc(flagMistake)
	for _, cmd := range root.Commands() {
		explainMistakes(cmd)
		if cmd.HasSubCommands() {
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				return fmt.Errorf("%s: unknown command %q; %s", name(cmd), args[0], oneOf(args[0], names(cmd)))
			}
			continue
		}
		allowed := cmd.Args
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := emptyFlag(cmd); err != nil {
				return err
			}
			if allowed == nil || allowed(cmd, args) == nil {
				return nil
			}
			return argumentMistake(cmd, args)
		}
	}
}

// name is what stands before a command's arguments, without the program.
func name(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return cmd.Name()
	}
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// names are the commands below cmd.
func names(cmd *cobra.Command) (all []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	return all
}

// oneOf says what an unknown name may have meant.
func oneOf(unknown string, known []string) string {
	if like := nearest.Names(unknown, known, 3); len(like) > 0 {
		return "the nearest known: " + strings.Join(like, ", ")
	}
	if len(known) > 12 {
		return "--help lists those that there are"
	}
	return "there are " + strings.Join(known, ", ")
}

// argumentMistake is for arguments that are too few or too many.
func argumentMistake(cmd *cobra.Command, args []string) error {
	_, operands, _ := strings.Cut(cmd.Use, " ")
	switch {
	case operands != "" && len(args) == 0:
		return fmt.Errorf("%s needs %s; %s --help tells more", name(cmd), operands, cmd.CommandPath())
	case operands != "":
		return fmt.Errorf("%s takes %s, not %d arguments: %q", name(cmd), operands, len(args), args)
	case cmd.Flags().Lookup("data") != nil:
		return fmt.Errorf("%s takes no argument %q: the data is named with --data", name(cmd), args[0])
	}
	return fmt.Errorf("%s takes no argument %q", name(cmd), args[0])
}

// flagMistake is for flags that there are not, or that have no such value.
func flagMistake(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, "--"+f.Name)
			}
		})
		return fmt.Errorf("unknown flag --%s of %s; %s", unknown.GetSpecifiedName(), name(cmd), oneOf("--"+unknown.GetSpecifiedName(), known))
	case errors.As(err, &value):
		f := value.GetFlag()
		if want := kinds[f.Value.Type()]; want != "" {
			return fmt.Errorf("--%s %q: must be %s", f.Name, value.GetValue(), want)
		}
		return fmt.Errorf("--%s %q: %w", f.Name, value.GetValue(), errors.Unwrap(value))
	}
	return err
}

// kinds are the types of flags in words.
var kinds = map[string]string{
	"int":      "a whole number, such as 4",
	"int64":    "a whole number, such as 4",
	"uint64":   "a whole number of 0 or more, below 2^64",
	"float64":  "a number, such as 0.1",
	"bool":     "true or false",
	"duration": "a time with its unit, such as 30s, 5m or 1h30m",
}

// meant are the flags whose value nobody leaves empty on purpose: they name something
// that a script may have failed to fill in, and the default would be another thing.
var meant = []string{"data", "from", "resume", "out", "arch", "weights", "label", "valid", "model"}

// emptyFlag refuses an empty value of such a flag.
func emptyFlag(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && slices.Contains(meant, f.Name) && f.Value.String() == "" {
			err = fmt.Errorf("--%s is given and empty: leave the flag out for its default (is a variable of a script not set?)", f.Name)
		}
	})
	return err
}
