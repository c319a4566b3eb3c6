package command

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/launcher"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// useProcessors divides the processors of a machine among its ranks, as long as
// nobody has said how many threads there are to be, and says when the launcher
// has bound the ranks to fewer than there are.
func useProcessors(g distributed.Group, l launcher.Launcher) {
	_, here := g.Node()
	own, all := allowed("self"), allowed(strconv.Itoa(os.Getppid()))
	n := runtime.GOMAXPROCS(0)
	if own > 0 && own >= all { // the ranks of this machine share what is there
		n = max(1, n/here)
	}
	if os.Getenv("GOMAXPROCS") != "" {
		n = runtime.GOMAXPROCS(0)
	}
	parallel.SetThreads(n)
	// The goroutine that talks to the other ranks must not wait until one that computes
	// comes to an end.
	runtime.GOMAXPROCS(n + 1)
	if each := all / here; own < each && g.Rank() == 0 {
		fmt.Fprintf(os.Stderr, "whippet: %s has bound this rank to %d of %d processors, which leaves it %d of the %d threads that it could have: %s\n",
			l.Name, own, all, n, each, unbind(l, each))
	}
}

// unbind is the flag with which a launcher gives its ranks more processors.
func unbind(l launcher.Launcher, each int) string {
	switch {
	case l.Family == launcher.OpenMPI:
		return fmt.Sprintf("give mpirun --bind-to none, or --map-by slot:PE=%d", each)
	case strings.HasPrefix(l.Name, "srun"):
		return fmt.Sprintf("give srun --cpus-per-task=%d", each)
	case l.Name == "mpirun of Intel MPI":
		return "set I_MPI_PIN=off"
	}
	return "give the launcher -bind-to none"
}

// allowed is how many processors a process may use, 0 where that is not known. The
// launcher's own are those that its ranks would share if they were not bound.
func allowed(process string) int {
	b, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	_, list, _ := strings.Cut(string(b), "\nCpus_allowed_list:")
	list, _, _ = strings.Cut(list, "\n")
	return countList(strings.TrimSpace(list))
}

// countList counts the numbers of a list such as 0-3,8.
func countList(list string) (n int) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return 0
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				return 0
			}
		}
		n += last - first + 1
	}
	return n
}
