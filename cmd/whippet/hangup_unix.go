//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls f at every SIGHUP until stop is called.
func onHangup(f func()) (stop func()) {
	c := make(chan os.Signal, 1)
	done := make(chan struct{})
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
		close(done)
	}
}
