package ranges

import (
	"fmt"
	"strconv"
	"strings"

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
		Why: `kubeadm init stops at once, and in a cluster that runs the next kubeadm upgrade does.
kubeadm is stricter than the programs that it starts: it refuses a Service range of more than
20 host bits, which kube-apiserver takes from 1.34 on, a node mask that is more than 16 bits
longer than the pod range in IPv4 as well, and ranges of fewer than 10 and 14 addresses.`,
		Fix:    "Take a Service range of /12 or /108 and longer, and node masks at most 16 bits longer than the pod ranges.",
		Limits: "What kube-apiserver or kube-controller-manager refuse too is said by their checks.",
		Holds:  "kubeadm 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/validation/validation.go ValidateNetworking",
			"kubernetes v1.37.2, cmd/kubeadm/app/constants/constants.go",
		},
		Covers: []string{"PLAN-01", "PLAN-02"},
	},
	Needs: []snapshot.Kind{snapshot.KubeadmConfig},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.Versions},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		running := len(in.ControlPlane(snapshot.APIServer)) > 0
		for _, k := range in.Kubeadm() {
			if !k.ByKubeadm() {
				continue
			}
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
	var taken []string
	for _, p := range k.ServiceSubnet {
		taken = append(taken, plan.ServiceLength(p.Masked(), v).String())
	}
	for i, p := range k.ServiceSubnet {
		said, _ := serviceLimit(prefixRange(plan.Services, p), v, known, i == 0)
		if limit := plan.KubeadmServiceLimit(p.Masked()); limit != "" && said == "" {
			fs = append(fs, checks.Finding{Object: k.Ref, Field: ".networking.serviceSubnet", Family: ipfam.OfPrefix(p), Message: limit,
				Fix: "in the kubeadm configuration: networking.serviceSubnet: " + strings.Join(taken, ",")})
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
		finding := checks.Finding{Object: k.Ref, Field: ".networking.podSubnet", Family: f}
		if limit := plan.KubeadmNodeMaskLimit(r, kubeadmMask(k, f)); limit != "" {
			finding.Message, finding.Fix = limit, kubeadmMaskFix(k, f, plan.LegalNodeMask(r, effective.Of(f)))
		} else if limit := plan.KubeadmPodLimit(r); limit != "" {
			list := texts(k.PodSubnet)
			list[i] = plan.PodLength(r, f.Bits()-4).String()
			finding.Message, finding.Fix = limit, "in the kubeadm configuration: networking.podSubnet: "+strings.Join(list, ",")
		} else {
			continue
		}
		fs = append(fs, finding)
	}
	return fs
}

// kubeadmMaskFix is the extra argument that sets the node mask, in the form of the
// configuration's version, in place of the one that kubeadm does not look at.
func kubeadmMaskFix(k snapshot.Kubeadm, f ipfam.Family, mask int) string {
	argument := fmt.Sprintf("[{name: node-cidr-mask-size-%s, value: \"%d\"}]", field(f), mask)
	if k.APIVersion == "kubeadm.k8s.io/v1beta3" {
		argument = fmt.Sprintf("{node-cidr-mask-size-%s: \"%d\"}", field(f), mask)
	}
	fix := "in the kubeadm configuration: controllerManager.extraArgs: " + argument
	if k.ControllerArgs["node-cidr-mask-size"] != "" {
		fix += ", in place of node-cidr-mask-size"
	}
	return fix
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
