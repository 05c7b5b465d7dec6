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

var rangeFlagsParse = &checks.Check{
	ID:       "DS206",
	Name:     "range-flags-parse",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the ranges in the flags of the control plane are one prefix, or two of different families",
		Why: `kube-apiserver and kube-controller-manager do not start with a list that they cannot
read, and one space after a comma is enough: nothing is trimmed. Nor do they with three ranges
or with two of one family. A Service range that kube-controller-manager cannot read is the
exception: it starts, logs a line and does not keep the pod ranges of Nodes off it.`,
		Fix:    "Write PREFIX or PREFIX,PREFIX without spaces, one prefix of each family.",
		Limits: "An entry of kubeadm's podSubnet or serviceSubnet that is no prefix is a problem of the input and reported there.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-apiserver/app/options/completion.go getServiceIPAndRanges",
			"kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go validateClusterIPFlags",
			"kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go newNodeIpamController",
		},
		Covers: []string{"CTRL-04"},
	},
	Uses: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, p := range in.Programs(snapshot.APIServer) {
			fs = append(fs, readFlag(p, serviceFlag)...)
		}
		for _, p := range in.Programs(snapshot.ControllerManager) {
			if p.AllocatesNodeRanges() {
				fs = append(fs, readFlag(p, podFlag)...)
				if !fromSameField(in, p) {
					fs = append(fs, readFlag(p, serviceFlag)...)
				}
			}
		}
		return fs
	},
}

// fromSameField reports whether the Service ranges of p and those of the API
// server come of one field, which is then read once.
func fromSameField(in *checks.Input, p snapshot.Program) bool {
	for _, api := range in.Programs(snapshot.APIServer) {
		if api.Ref == p.Ref && api.Field(serviceFlag) == p.Field(serviceFlag) {
			return true
		}
	}
	return false
}

// readFlag is what the program finds wrong with a flag that holds ranges.
func readFlag(p snapshot.Program, flag string) []checks.Finding {
	prefixes, bad := p.Flags.Prefixes(flag)
	finding := checks.Finding{Object: p.Ref, Field: p.Field(flag), Fix: setFlag(p, flag, mended(p.Flags[flag]))}
	consequence := p.Name + " does not start"
	switch {
	case len(bad) > 0:
		if p.Name == snapshot.ControllerManager && flag == serviceFlag {
			finding.Severity = severity.Warning
			consequence = "the pod ranges of Nodes are not kept off it"
		}
		finding.Message = fmt.Sprintf("has %s=%q, in which %s; %s", flag, p.Flags[flag], unreadable(bad[0]), consequence)
	case len(prefixes) > 2:
		finding.Message = fmt.Sprintf("has %d ranges in %s: %s; %s", len(prefixes), flag, list(prefixes), consequence)
	case len(prefixes) == 2 && !ipfam.SetOfPrefixes(prefixes).Dual():
		finding.Message = fmt.Sprintf("has two %s ranges in %s: %s; %s", ipfam.OfPrefix(prefixes[0]), flag, list(prefixes), consequence)
	default:
		return nil
	}
	return []checks.Finding{finding}
}

// unreadable is why an entry of a list is no prefix.
func unreadable(entry string) string {
	switch {
	case entry == "":
		return "an entry is empty"
	case strings.TrimSpace(entry) != entry:
		return fmt.Sprintf("%q has a space", entry)
	}
	return fmt.Sprintf("%q is no prefix", entry)
}

// mended is the first range of each family of a list, without spaces.
func mended(value string) string {
	var kept []netip.Prefix
	for text := range strings.SplitSeq(value, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err == nil && !ipfam.SetOfPrefixes(kept).Has(ipfam.OfPrefix(p)) {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return "<IPv4 range>,<IPv6 range>"
	}
	return list(kept)
}
