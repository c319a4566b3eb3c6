// Package command is the command whippet: its flags, what it prints, and what it
// makes of signals and errors. The programs beside it (cmd/whippet and
// cmd/whippet-mpi) only start it.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
)

// mpiVariable names the MPI library, see package mpi.
const mpiVariable = "WHIPPET_MPI"

// Main runs the command with the program's arguments and returns the exit code:
// 0, 1 for an error, 130 after Ctrl-C. connect connects the ranks that a launcher
// started; nil is for a program that cannot.
func Main(connect Connect) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watchSignals(cancel)
	for _, err := range []error{isa.EnvError(), winograd.EnvError()} {
		if err != nil { // a warning: something else is used
			fmt.Fprintln(os.Stderr, "whippet:", err)
		}
	}
	began := false // the command itself, with flags that are understood
	root := newRoot()
	out := &checkedWriter{to: os.Stdout}
	root.SetOut(out)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		began = true
		return joinRanks(cmd, connect)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !began {
		err = onFirstRank(err)
	}
	if err == nil {
		err = out.err
	}
	g, joined := group(cmd.Context()).(Ranks)
	if err != nil && (!joined || g.Rank() == 0 && distributed.IsEverywhere(err)) && codeIn(err) < 0 {
		fmt.Fprintln(os.Stderr, "whippet:", inWords(cmd, err))
	}
	if joined {
		leaveRanks(g, cmd, err)
	}
	return codeOf(err)
}

// inWords is an error as a person reads it, with what to do next.
func inWords(cmd *cobra.Command, err error) string {
	if errors.Is(err, context.Canceled) {
		return err.Error()
	}
	return visible(inFlags(cmd.Name(), err.Error()) + nextStep(err))
}

// codeOf is the exit code of a command that returned err.
func codeOf(err error) int {
	switch code := codeIn(err); {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return 130
	case code >= 0:
		return code
	}
	return 1
}

// codeIn is the exit code that an error is, -1 for other errors.
func codeIn(err error) int {
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	return -1
}

// exitCode ends the program with a code, for commands that have said all.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// hangupHandled says that the command has another use for SIGHUP than to stop.
var hangupHandled atomic.Bool

// watchSignals cancels at the first Ctrl-C, so that work ends at a good place,
// and exits at the second. SIGUSR1 asks only for the former, as often as it comes:
// batch systems send it some time before they end a job, and launchers pass it on to
// ranks that it may have reached before.
func watchSignals(cancel context.CancelFunc) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(c, syscall.SIGHUP)
	}
	asked := make(chan os.Signal, 1)
	if len(stopSignals) > 0 {
		signal.Notify(asked, stopSignals...)
	}
	go func() {
		for stopping, interrupts := false, 0; ; {
			select {
			case sig := <-asked:
				if !stopping {
					fmt.Fprintf(os.Stderr, "\n%v: finishing what is under way, then stopping\n", sig)
				}
			case sig := <-c:
				if sig == syscall.SIGHUP && hangupHandled.Load() {
					continue
				}
				if interrupts++; interrupts > 1 {
					os.Exit(130)
				}
				fmt.Fprintln(os.Stderr, "\nfinishing what is under way, then stopping; press Ctrl-C again to stop at once")
			}
			stopping = true
			cancel()
		}
	}()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "whippet",
		Short:         "Train, understand and deploy image classifiers, in pure Go",
		Version:       thisBuild().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		newTrain(),
		newFolds(),
		newLRFind(),
		newPredict(),
		newMerge(),
		newEmbed(),
		newServe(),
		newInterpret(),
		newClean(),
		newNext(), newConfidence(), newCompareBodies(),
		newExport(),
		newImport(),
		newVerify(),
		newRuns(),
		newModels(),
		newData(),
		newBench(),
		newVersion(),
		newLicenses(),
	)
	root.SetVersionTemplate("{{.Version}}\n")
	explainMistakes(root)
	return root
}

// checkedWriter remembers that writing failed: what a command prints is its result, and
// is not there when the disk is full.
type checkedWriter struct {
	to  io.Writer
	err error
}

func (w *checkedWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}
