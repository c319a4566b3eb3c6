package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/launcher"
)

// Ranks is the group of ranks of which this process is one.
type Ranks interface {
	distributed.Group
	// Name says which library connects them.
	Name() string
	// Exit ends the process with a code, when all ranks call it: one that ends
	// otherwise ends all.
	Exit(code int)
}

// Connect connects this process with the other ranks that a launcher started.
type Connect func(launcher.Launcher) (Ranks, error)

// withoutMPI is the value of WHIPPET_MPI for processes that a launcher started but
// that have nothing to do with each other.
const withoutMPI = "none"

// onRanks marks a command that divides its work among ranks, and anywhere one that
// every rank may run by itself.
var (
	onRanks  = map[string]string{"ranks": "divided"}
	anywhere = map[string]string{"ranks": "anywhere"}
)

// groupKey is the context's key of the group.
type groupKey struct{}

// group returns the ranks that run this command, or a group of one.
func group(ctx context.Context) distributed.Group {
	if g, ok := ctx.Value(groupKey{}).(distributed.Group); ok {
		return g
	}
	return distributed.Alone{}
}

// joinRanks runs before a command: when a launcher started several ranks, it
// connects them, or refuses. connect is nil in the program without MPI, which
// becomes the one with it.
func joinRanks(cmd *cobra.Command, connect Connect) error {
	l, launched := launcher.Detect(os.Getenv)
	if !launched || !l.Several() || os.Getenv(mpiVariable) == withoutMPI || onlyTells(cmd) {
		return nil
	}
	if cmd.Annotations["ranks"] != onRanks["ranks"] {
		return onFirstRank(fmt.Errorf("whippet %s does not divide its work among ranks, and %s started %s: start it without, or with %s=%s when each is to do the same by itself",
			cmd.Name(), l.Name, ranksOf(l), mpiVariable, withoutMPI))
	}
	if l.Refused != "" {
		return onFirstRank(fmt.Errorf("%s; %s=%s lets each process train by itself", l.Refused, mpiVariable, withoutMPI))
	}
	if connect == nil {
		return onFirstRank(becomeMPI(l))
	}
	g, err := connect(l)
	if err != nil {
		return onFirstRank(err)
	}
	useProcessors(g, l)
	cmd.SetContext(context.WithValue(cmd.Context(), groupKey{}, g))
	return nil
}

// onlyTells reports whether a command may run on each rank by itself: it says
// something, or does a part of the work that it is given.
func onlyTells(cmd *cobra.Command) bool {
	if cmd.Annotations["ranks"] == anywhere["ranks"] || !cmd.Runnable() {
		return true
	}
	switch cmd.Name() {
	case "help", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		return true
	}
	part := cmd.Flags().Lookup("part")
	return part != nil && part.Changed || cmd.HasParent() && cmd.Parent().Name() == "completion"
}

// ranksOf is how many ranks a launcher started, in words.
func ranksOf(l launcher.Launcher) string {
	if l.Size == 0 {
		return "several ranks"
	}
	return fmt.Sprintf("%d ranks", l.Size)
}

// onFirstRank returns an error that all ranks have before they are connected on the
// first of them, which prints it, and lets the others end without a word after it.
func onFirstRank(err error) error {
	l, launched := launcher.Detect(os.Getenv)
	if err == nil || !launched || l.Rank <= 0 || os.Getenv(mpiVariable) == withoutMPI {
		return err
	}
	time.Sleep(time.Second) // a launcher ends all when one ends, and drops what others would have printed
	return exitCode(1)
}

// leaveRanks ends this process of a group after a command that returned err. When
// all ranks return it, all end by themselves; an error of this rank alone ends the others too.
func leaveRanks(g Ranks, cmd *cobra.Command, err error) {
	if err == nil || distributed.IsEverywhere(err) {
		g.Exit(codeOf(err))
	}
	g.Abort(errors.New(inWords(cmd, err)))
}
