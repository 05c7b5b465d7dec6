package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// readCluster is the snapshot of the cluster that kubeconfig and flags name.
func (o *doctorOptions) readCluster(ctx context.Context, now time.Time, over *snapshot.Overlay) (*snapshot.Snapshot, error) {
	config, name, err := connect(o.config)
	if err != nil {
		return nil, err
	}
	watch := newProgress(o.ErrOut)
	snap, err := snapshot.FromCluster(ctx, config, snapshot.ClusterOptions{
		Kinds: o.kinds(), Depth: o.level, Context: name, Now: now, Progress: watch.say, Overlay: over,
	})
	watch.clear()
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("read %s: not done within --timeout %s", config.Host, o.timeout)
	}
	return snap, err
}

// connect is how to reach the cluster that kubeconfig and flags name, and the name of
// its context.
func connect(flags *genericclioptions.ConfigFlags) (*rest.Config, string, error) {
	loader := flags.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, "", err
	}
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	name := raw.CurrentContext
	if *flags.Context != "" {
		name = *flags.Context
	}
	if name == "" && *flags.APIServer == "" && *flags.ClusterName == "" && config.Host == clientcmd.ClusterDefaults.Server {
		return nil, "", noCluster(slices.Sorted(maps.Keys(raw.Contexts)), loader.ConfigAccess().GetLoadingPrecedence())
	}
	if name == "" {
		name = config.Host
	}
	return config, name, nil
}

// noCluster says that nothing names a cluster. kubectl would try a server on this
// machine's port 8080, which nobody has meant for years.
func noCluster(contexts, files []string) error {
	where := strings.Join(files, ", ")
	if len(contexts) > 0 {
		return fmt.Errorf("kubeconfig %s has no current context; choose with --context: %s", where, strings.Join(contexts, ", "))
	}
	return fmt.Errorf("no cluster: there is no context in kubeconfig %s; audit files with -f, or name a server with --server", where)
}
