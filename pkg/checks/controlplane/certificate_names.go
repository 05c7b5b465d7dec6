package controlplane

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var certificateNames = &checks.Check{
	ID:       "DS214",
	Name:     "certificate-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "certSANs that are addresses are of both families of a dual-stack cluster",
		Why: `kubeadm puts the advertise address, the first address of the first Service range and
what certSANs names into the API server's certificate: of the second family nothing by itself. Who
lists addresses by hand, and those of one family, has clients of the other refused: the connection is
made, and then the certificate is not valid for the address.`,
		Fix: `Add the addresses of the other family to apiServer.certSANs; for a cluster that runs, move
/etc/kubernetes/pki/apiserver.crt and apiserver.key away, run kubeadm init phase certs apiserver with
the configuration, and restart kube-apiserver, on each control-plane node.`,
		Limits: "What is in a certificate is not looked at. Where certSANs has a name too, clients are taken to use it.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, cmd/kubeadm/app/util/pkiutil/pki_helpers.go GetAPIServerAltNames", "https://github.com/k3s-io/k3s/issues/6847"},
		Covers: []string{"CTRL-03"},
	},
	Needs: []snapshot.Kind{snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, k := range in.Kubeadm() {
			named, onlyAddresses := namedFamilies(k)
			one, single := named.Single()
			if !ipfam.SetOfPrefixes(k.ServiceSubnet).Dual() || !single || !onlyAddresses {
				continue
			}
			other, gap := one.Other(), fmt.Sprintf(`"<%s address of the control plane>"`, one.Other())
			fs = append(fs, checks.Finding{
				Object: k.Ref, Field: ".apiServer.certSANs", Family: other,
				Message: fmt.Sprintf("names %s, and no %s address: over %s the API server's certificate is not valid", strings.Join(k.CertSANs, ", "), other, other),
				Fix:     k.Line(".apiServer.certSANs", "["+strings.Join(append(quotedAll(k.CertSANs), gap), ", ")+"]"),
			})
		}
		return fs
	},
}

// namedFamilies is the families of the addresses that kubeadm puts into the API
// server's certificate, and whether certSANs has addresses and no names.
func namedFamilies(k snapshot.Kubeadm) (named ipfam.Set, onlyAddresses bool) {
	onlyAddresses = len(k.CertSANs) > 0
	for _, text := range k.CertSANs {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return 0, false
		}
		named = named.With(ipfam.Of(a.Unmap()))
	}
	if k.Advertise.IsValid() {
		named = named.With(ipfam.Of(k.Advertise))
	}
	if p, err := netip.ParseAddrPort(k.ControlPlane); err == nil {
		named = named.With(ipfam.Of(p.Addr().Unmap()))
	}
	return named, onlyAddresses
}

func quotedAll(texts []string) []string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	return quoted
}
