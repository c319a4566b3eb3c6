// Package whippet is the root of the module and has no code of its own. A
// program imports the packages below it: data and vision for pictures and
// labels, models and finetune for a learner, train to fit it, interpret to see
// where it is right and wrong, predict and serve to use it. The command is
// cmd/whippet; docs/architecture.md tells what lives where, and why.
package whippet
