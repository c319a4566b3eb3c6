//go:build unix

package command

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals ask the program to end at a good place.
var stopSignals = []os.Signal{syscall.SIGUSR1}

// onHangup calls f at every SIGHUP, which does not stop the program any more,
// until stop is called.
func onHangup(f func()) (stop func()) {
	c := make(chan os.Signal, 1)
	done := make(chan struct{})
	hangupHandled.Store(true)
	signal.Notify(c, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-c:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(c)
		hangupHandled.Store(false)
		close(done)
	}
}
