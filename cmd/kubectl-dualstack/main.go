// kubectl-dualstack is a plugin of kubectl that audits dual-stack clusters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one ends the process the usual way.
	context.AfterFunc(ctx, stop)
	streams := cmd.Streams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(cmd.Main(ctx, os.Args, streams))
}
