package controlplane

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var advertiseAddress = &checks.Check{
	ID:       "DS208",
	Name:     "advertise-address-family",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the API server's advertise address is of the family of the first Service range",
		Why: `kube-apiserver does not start when its advertise address is of another family than the
first Service range: the Service kubernetes has one family, that of the range, and its one
endpoint is that address. kubeadm does not compare them: it writes the manifests and waits for
an API server that never comes up.`,
		Fix:    "Give --advertise-address (kubeadm: localAPIEndpoint.advertiseAddress) the node's address of the first Service range's family, or turn the order of the Service ranges.",
		Limits: "An API server without the flag picks an address by itself; it is not known here which. With --endpoint-reconciler-type=none nothing is compared.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go validatePublicIPServiceClusterIPRangeIPFamilies",
			"https://github.com/kubernetes/kubernetes/issues/111671",
			"https://github.com/kubernetes/kubeadm/issues/2754",
		},
		Covers: []string{"CTRL-01"},
	},
	Uses: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, p := range in.Programs(snapshot.APIServer) {
			services, ok := flagStatement(p, serviceFlag)
			address, err := netip.ParseAddr(p.Flags[advertiseFlag])
			if !ok || err != nil || p.Flags["endpoint-reconciler-type"] == "none" || ipfam.Of(address) == services.first() {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: advertiser(p), Field: p.Field(advertiseFlag), Family: services.first(),
				Message: fmt.Sprintf("advertises %s, of %s; the first Service range is %s, of %s, and kube-apiserver does not start",
					address, ipfam.Of(address), services.prefixes[0], services.first()),
				Fix: setFlag(p, advertiseFlag, example(services.first(), "address of "+nodeOf(p))),
			})
		}
		return fs
	},
}

const advertiseFlag = "advertise-address"

// advertiser is the object that has the advertise address: of kubeadm's
// documents it is the InitConfiguration.
func advertiser(p snapshot.Program) snapshot.Ref {
	if p.Planned && !overridden(p, advertiseFlag) {
		return snapshot.Ref{Kind: "InitConfiguration"}
	}
	return p.Ref
}

func nodeOf(p snapshot.Program) string {
	if p.Node == "" {
		return "the node"
	}
	return p.Node
}
