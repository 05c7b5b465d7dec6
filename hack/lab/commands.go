package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/controlplane"
)

// listen reads commands until there are no more, and answers each with a line: the
// id of a process, or what went wrong. The one command is
//
//	restart PROGRAM [--FLAG=VALUE...]
func listen(ctx context.Context, stdin io.Reader, stdout io.Writer, commands chan<- func(*controlplane.ControlPlane)) {
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "restart" {
			_, _ = fmt.Fprintf(stdout, "%q is no command\n", lines.Text())
			continue
		}
		answered := make(chan struct{})
		do := func(cp *controlplane.ControlPlane) {
			defer close(answered)
			pid, err := cp.Restart(ctx, words[1], words[2:])
			if err != nil {
				_, _ = fmt.Fprintf(stdout, "restart %s: %s\n", words[1], strings.ReplaceAll(err.Error(), "\n", " "))
				return
			}
			_, _ = fmt.Fprintln(stdout, pid)
		}
		select {
		case <-ctx.Done():
			return
		case commands <- do:
			<-answered
		}
	}
}
