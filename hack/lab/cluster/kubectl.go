package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// kubectl runs kubectl on the machine, against the loopback, and is what it printed.
func (cl *Cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	return cl.tool(ctx, stdin, "kubectl", args...)
}

// tool runs one of the lab's programs with the cluster's kubeconfig and no other.
func (cl *Cluster) tool(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(cl.config.Bin, name), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cl.Kubeconfig, "HOME="+cl.config.Dir)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := process.Do(cmd); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// apply applies objects, again and again where a webhook that has to agree is not there
// yet. What the API server calls invalid stays so.
func (cl *Cluster) apply(ctx context.Context, objects string) error {
	var invalid error
	err := eventually(ctx, func() error {
		_, err := cl.kubectl(ctx, objects, "apply", "--request-timeout=10s", "-f", "-")
		if err != nil && strings.Contains(err.Error(), " is invalid: ") {
			invalid = err
			return nil
		}
		return err
	})
	return errors.Join(err, invalid)
}
