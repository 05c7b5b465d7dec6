package cluster

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
)

// ciliumInLab is what the lab changes of the example's values: nothing that is about
// addresses. No digest is known of an image that was packed here. The cgroups are those
// that the node mounted. Envoy and Hubble are not built. The chart asks for capabilities
// by name, CAP_SYS_RESOURCE among them, which not every machine has to give: a privileged
// container gets those that there are.
var ciliumInLab = []string{
	"--set=image.useDigest=false,operator.image.useDigest=false,operator.replicas=1",
	"--set=envoy.enabled=false,l7Proxy=false,hubble.enabled=false",
	"--set=cgroup.autoMount.enabled=false,securityContext.privileged=true",
}

// compiled is Config.Compiled on a node: the agents' /var/run/cilium is the node's.
const compiled = "/run/cilium/clang-cache"

// installCilium installs Cilium's chart, of the module that the programs are built
// from, with the values of the example or of a file that was rendered. It does not wait
// for the agents.
func (cl *Cluster) installCilium(ctx context.Context) error {
	chart := filepath.Join(cl.config.Modules.Cilium, "install", "kubernetes", "cilium")
	values, options := filepath.Join(cl.config.Root, "examples", "homelab-today", "cilium-values.yaml"), cl.config.Options.cilium()
	if files := cl.config.Options.Files; files != "" {
		values, options = filepath.Join(files, "cilium-values.yaml"), nil
	}
	cgroup2, err := host.UnifiedCgroup()
	if err != nil {
		return err
	}
	args := slices.Concat(
		[]string{"install", "cilium", chart, "--namespace=kube-system", "--values=" + values},
		ciliumInLab, []string{"--set=cgroup.hostRoot=" + cgroup2}, options,
	)
	_, err = cl.tool(ctx, "", "helm", args...)
	return err
}
