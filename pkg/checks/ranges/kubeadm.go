package ranges

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var kubeadmLimits = &checks.Check{
	ID:       "DS107",
	Name:     "kubeadm-limits",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "kubeadm takes the ranges of its configuration",
		Why: `kubeadm is stricter than the programs that it starts. It refuses a Service range of
more than 20 host bits, which kube-apiserver takes from 1.34 on, a node mask that is more
than 16 bits longer than the pod range in IPv4 as well, and ranges of fewer than 10 and 14
addresses. kubeadm init stops at once; in a cluster that runs, the next kubeadm upgrade does.`,
		Fix:    "Take a Service range of /12 or /108 and longer, and node masks at most 16 bits longer than the pod ranges.",
		Limits: "What kube-apiserver or kube-controller-manager refuse too is said by their checks.",
		Holds:  "kubeadm 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/validation/validation.go ValidateNetworking",
			"kubernetes v1.37.2, cmd/kubeadm/app/constants/constants.go",
		},
	},
	Needs: []snapshot.Kind{snapshot.KubeadmConfig},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.Versions},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		running := len(in.ControlPlane(snapshot.APIServer)) > 0
		for _, k := range in.Kubeadm() {
			for _, f := range append(kubeadmServices(in, k), kubeadmPods(k)...) {
				if running { // it was taken once; the next upgrade looks again
					f.Severity = severity.Warning
				}
				fs = append(fs, f)
			}
		}
		return fs
	},
}

func kubeadmServices(in *checks.Input, k snapshot.Kubeadm) (fs []checks.Finding) {
	v, known := kubernetesOf(in, k.Kubernetes)
	for i, p := range k.ServiceSubnet {
		s := prefixRange(plan.Services, p)
		said, _ := serviceLimit(s, v, known, i == 0)
		if limit := plan.KubeadmServiceLimit(p.Masked()); limit != "" && said == "" {
			fs = append(fs, kubeadmFinding(k, ".networking.serviceSubnet", k.ServiceSubnet, i, limit, plan.ServiceLength(p.Masked(), v)))
		}
	}
	return fs
}

func kubeadmPods(k snapshot.Kubeadm) (fs []checks.Finding) {
	if k.ControllerArgs["allocate-node-cidrs"] == "false" {
		return nil
	}
	effective := k.ControllerArgs.NodeMask(k.PodSubnet)
	for i, p := range k.PodSubnet {
		r, f := p.Masked(), ipfam.OfPrefix(p)
		if plan.NodeMaskLimit(r, effective.Of(f)) != "" {
			continue // kube-controller-manager does not start either
		}
		mask := kubeadmMask(k, f)
		if limit := plan.KubeadmNodeMaskLimit(r, mask); limit != "" {
			fs = append(fs, kubeadmFinding(k, ".networking.podSubnet", k.PodSubnet, i, limit, plan.PodLength(r, mask)))
		} else if limit := plan.KubeadmPodLimit(r); limit != "" {
			fs = append(fs, kubeadmFinding(k, ".networking.podSubnet", k.PodSubnet, i, limit, plan.PodLength(r, r.Addr().BitLen()-4)))
		}
	}
	return fs
}

// kubeadmMask is the node mask as kubeadm has it: it does not look at
// node-cidr-mask-size. Source: kubernetes v1.37.2,
// cmd/kubeadm/app/apis/kubeadm/validation/validation.go getClusterNodeMask.
func kubeadmMask(k snapshot.Kubeadm, f ipfam.Family) int {
	if n, err := strconv.Atoi(k.ControllerArgs["node-cidr-mask-size-"+field(f)]); err == nil {
		return n
	}
	return plan.DefaultNodeMask.Of(f)
}

// kubeadmFinding is about the i-th prefix of a list, for which instead is to be
// written.
func kubeadmFinding(k snapshot.Kubeadm, at string, list []netip.Prefix, i int, limit string, instead netip.Prefix) checks.Finding {
	text := ""
	for j, p := range list {
		if j == i {
			p = instead
		}
		if j > 0 {
			text += ","
		}
		text += p.String()
	}
	return checks.Finding{Object: k.Ref, Field: at, Family: ipfam.OfPrefix(list[i]), Message: limit,
		Fix: fmt.Sprintf("in the kubeadm configuration: %s: %s", at[1:], text)}
}
