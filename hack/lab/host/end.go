package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// EndAll kills the hosts of the lab in dir whose supervisor was killed, and comes back
// when they and all that ran in them have ended: the kernel ends the first process of a
// namespace last. It tells them by their command line, as their file is written late.
// Source: pid_namespaces(7).
func EndAll(ctx context.Context, dir string) error {
	for _, pid := range process.All() {
		started, args := process.Started(pid), process.Arguments(pid)
		if started == "" || !isInit(args, dir) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end process %d: %w", pid, err)
		}
		for process.Started(pid) == started {
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for process %d to end: %w", pid, context.Cause(ctx))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// isInit reports whether a command line is that of a host's first process, as Start has it.
func isInit(args []string, dir string) bool {
	return len(args) > 3 && slices.Equal(args[1:4], []string{"init", "--dir", dir})
}
