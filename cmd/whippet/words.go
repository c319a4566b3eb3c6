package main

import "strings"

// Libraries name their own fields in errors; a person at the command knows flags.
var flagOf = strings.NewReplacer(
	"leave them out with SkipDamaged", "leave them out with --damaged skip",
	"leave such files out with SkipDamaged", "leave such files out with --damaged skip",
	"set BatchSize to", "set --batch to",
	"take a larger share, or use AllTrain", "take a larger share with --valid, or --valid 0",
)

// inFlags returns an error's text in the words of the command.
func inFlags(text string) string { return flagOf.Replace(text) }
