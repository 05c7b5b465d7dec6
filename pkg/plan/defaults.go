package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// commonRange is a range that clusters have unless somebody chose another.
type commonRange struct {
	prefix string
	use    Use
	of     []string
}

// commonRanges is the defaults of programs that make clusters.
// Sources: kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/defaults.go and
// pkg/kubeapiserver/options/options.go; cilium v1.20.2,
// install/kubernetes/cilium/values.yaml; kind, pkg/apis/config/v1alpha4/default.go;
// k3s, pkg/cli/cmds/server.go; RKE2, pkg/cli/cmds/server.go; Talos,
// pkg/machinery/constants/constants.go; flannel, Documentation/kube-flannel.yml;
// Calico, manifests/calico.yaml, the last six as of 2025.
var commonRanges = []commonRange{
	{"10.244.0.0/16", Pods, []string{"flannel", "kind", "Talos"}},
	{"10.42.0.0/16", Pods, []string{"k3s", "RKE2"}},
	{"10.0.0.0/8", Pods, []string{"Cilium"}},
	{"192.168.0.0/16", Pods, []string{"Calico"}},
	{"fd00::/104", Pods, []string{"Cilium"}},
	{"fd00:10:244::/56", Pods, []string{"kind"}},
	{"fc00:db8:10::/56", Pods, []string{"Talos"}},
	{"10.96.0.0/12", Services, []string{"kubeadm", "Talos"}},
	{"10.96.0.0/16", Services, []string{"kind"}},
	{"10.43.0.0/16", Services, []string{"k3s", "RKE2"}},
	{"10.0.0.0/24", Services, []string{"kube-apiserver"}},
	{"fd00:10:96::/112", Services, []string{"kind"}},
	{"fc00:db8:20::/112", Services, []string{"Talos"}},
}

// Defaults is the ranges that other clusters are likely to have. Since a prefix of
// a delegated or made-up one is nobody else's, only what shares addresses with
// them is a finding, and none that keeps this cluster from working.
func Defaults() []Neighbour {
	list := make([]Neighbour, 0, len(commonRanges))
	for _, c := range commonRanges {
		list = append(list, Neighbour{
			Rule: DefaultsFree, Addrs: netipx.RangeOfPrefix(netip.MustParsePrefix(c.prefix)), Severity: severity.Info,
			What: fmt.Sprintf("the default of %s for %s", strings.Join(c.of, ", "), c.use),
			Why:  "a cluster with it cannot be joined or peered with this one",
		})
	}
	return list
}
