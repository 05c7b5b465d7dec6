package controlplane

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// statement is what one part of the cluster says about the ranges of Services or
// of pods.
type statement struct {
	kind     string // snapshot.APIServer, snapshot.ControllerManager, or one of the constants below
	ref      snapshot.Ref
	field    string
	prefixes []netip.Prefix
	program  *snapshot.Program // of a program
	config   snapshot.Kubeadm  // of kind kubeadm: the configuration, which may be that of k3s, RKE2 or Talos
}

// The parts of a cluster that are no Program.
const (
	kubeadm     = "kubeadm-config"
	serviceCIDR = "ServiceCIDR"
	kubeProxy   = "kube-proxy"
	ciliumPools = "cilium"
)

// The flags that name ranges.
const (
	serviceFlag = "service-cluster-ip-range"
	podFlag     = "cluster-cidr"
)

// of is the prefixes of family f, in canonical form and in order, so that two
// statements can be compared.
func (s statement) of(f ipfam.Family) []netip.Prefix {
	ps := slices.Clone(ipfam.Split(s.prefixes).Of(f))
	for i := range ps {
		ps[i] = ps[i].Masked()
	}
	slices.SortFunc(ps, netip.Prefix.Compare)
	return slices.Compact(ps)
}

func (s statement) families() ipfam.Set { return ipfam.SetOfPrefixes(s.prefixes) }

// first is the primary family.
func (s statement) first() ipfam.Family {
	if len(s.prefixes) == 0 {
		return 0
	}
	return ipfam.OfPrefix(s.prefixes[0])
}

// agrees reports whether s and t say the same of family f.
func (s statement) agrees(t statement, f ipfam.Family) bool { return slices.Equal(s.of(f), t.of(f)) }

// difference is "says X for IPv6 USE; OTHER says Y".
func (s statement) difference(t statement, f ipfam.Family, use string) string {
	return fmt.Sprintf("says %s for %s %s; %s says %s", list(s.of(f)), f, use, t.seenFrom(s), list(t.of(f)))
}

// seenFrom is the name of t in a sentence about s.
func (s statement) seenFrom(t statement) string {
	if s.ref == t.ref {
		return s.field
	}
	return s.ref.String()
}

// list is ps as the programs' flags have them, or "nothing".
func list(ps []netip.Prefix) string {
	if len(ps) == 0 {
		return "nothing"
	}
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}

// flagStatement is what the program's flag says. A flag with an entry that is no
// prefix says nothing: DS206 tells of it.
func flagStatement(p snapshot.Program, flag string) (statement, bool) {
	prefixes, bad := p.Flags.Prefixes(flag)
	return statement{kind: p.Name, ref: p.Ref, field: p.Field(flag), prefixes: prefixes, program: &p},
		len(prefixes) > 0 && len(bad) == 0
}

// overridden reports whether the flag of a planned program is an extra argument,
// and so not what the networking section says.
func overridden(p snapshot.Program, flag string) bool {
	return p.Planned && strings.HasPrefix(p.Field(flag), p.ExtraArgs())
}

// programStatements is what the named program's flag says: of every Pod, or of
// kubeadm's extra arguments where no Pod is known. What kubeadm's networking
// section says is serviceIntent and podIntent.
func programStatements(in *checks.Input, name, flag string) []statement {
	var said []statement
	for _, p := range in.Programs(name) {
		if p.Planned && !overridden(p, flag) || name == snapshot.ControllerManager && !p.AllocatesNodeRanges() {
			continue
		}
		if s, ok := flagStatement(p, flag); ok {
			said = append(said, s)
		}
	}
	return said
}

// serviceIntent is what kubeadm's configuration says about the Service ranges, or
// that of k3s, RKE2 or Talos.
func serviceIntent(in *checks.Input) (said []statement) {
	for _, k := range in.Kubeadm() {
		if len(k.ServiceSubnet) > 0 {
			said = append(said, statement{kind: kubeadm, ref: k.Ref, field: k.ServiceField(), prefixes: k.ServiceSubnet, config: k})
		}
	}
	return said
}

// podIntent is the same about the pod ranges.
func podIntent(in *checks.Input) (said []statement) {
	for _, k := range in.Kubeadm() {
		if len(k.PodSubnet) > 0 {
			said = append(said, statement{kind: kubeadm, ref: k.Ref, field: k.PodField(), prefixes: k.PodSubnet, config: k})
		}
	}
	return said
}

// consequence is what follows of what s says, by its kind; empty when nothing does.
func (s statement) consequence(of map[string]string) string {
	if s.kind == kubeadm && !s.config.ByKubeadm() {
		return "the control plane takes it when it starts again"
	}
	return of[s.kind]
}

// serviceStatements is what the parts of the cluster say about the Service
// ranges, the one that decides first: the API server's flag decides the families,
// the ServiceCIDR is what addresses are drawn from.
func serviceStatements(in *checks.Input) []statement {
	said := programStatements(in, snapshot.APIServer, serviceFlag)
	for _, c := range in.ServiceCIDRs() {
		if c.Name == defaultServiceCIDR && len(c.CIDRs) > 0 {
			said = append(said, statement{kind: serviceCIDR, ref: c.Ref, field: ".spec.cidrs", prefixes: c.CIDRs})
		}
	}
	said = append(said, serviceIntent(in)...)
	return append(said, programStatements(in, snapshot.ControllerManager, serviceFlag)...)
}

// defaultServiceCIDR is the name of the ServiceCIDR that kube-apiserver makes of
// its flag. Source: kubernetes v1.37.2, pkg/controlplane/controller/defaultservicecidr.
const defaultServiceCIDR = "kubernetes"

// podStatements is what kube-controller-manager and kubeadm say about the pod
// ranges, the one that decides first.
func podStatements(in *checks.Input) []statement {
	return append(programStatements(in, snapshot.ControllerManager, podFlag), podIntent(in)...)
}
