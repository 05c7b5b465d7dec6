package main

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/advertise"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/clang"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/echo"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/forward"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
)

// inside is the commands that the lab runs itself, in its hosts and images.
var inside = map[string]func(args []string) error{
	"advertise": advertise.Serve,
	"clang":     clang.Run,
	"echo":      echo.Serve,
	"forward":   forward.Serve,
	"init":      host.Init,
	"pause":     func([]string) error { return host.Reap() },
}
