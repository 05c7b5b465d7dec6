// Package render writes, out of an address plan, what each component of a cluster
// and the router in front of it are to be told: kubeadm's configuration, Helm
// values, custom resources, the files of a router. It is pure: it gives texts, and
// whoever calls it writes them.
//
// Every value that comes from the plan has a comment with the line and the field
// that it comes from. What the plan does not tell is never made up. It is a
// placeholder in the form of ${NAME}, which no program takes for a value, and a
// Note; or it is left out, with a comment in its place.
package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Target is what a plan is rendered for.
type Target string

// The targets.
const (
	Kubeadm      Target = "kubeadm"
	Cilium       Target = "cilium"        // the values of its chart
	CiliumConfig Target = "cilium-config" // its ConfigMap
	MetalLB      Target = "metallb"
	LBIPAM       Target = "lb-ipam" // Cilium's load-balancer addresses
	Kind         Target = "kind"
	K3s          Target = "k3s"
	RKE2         Target = "rke2"
	Talos        Target = "talos"
	FRR          Target = "frr"      // the router's routes
	Radvd        Target = "radvd"    // the router's advertisements
	Networkd     Target = "networkd" // the nodes' addresses
	NFTables     Target = "nftables" // the router's rules
)

// Targets is every target, in the order in which they are listed.
var Targets = []Target{Kubeadm, Cilium, CiliumConfig, MetalLB, LBIPAM, Kind, K3s, RKE2, Talos, FRR, Radvd, Networkd, NFTables}

// renderers has one for each of Targets.
var renderers = map[Target]func(*job){
	Kubeadm:      kubeadm,
	Cilium:       ciliumValues,
	CiliumConfig: ciliumConfig,
	MetalLB:      metalLB,
	LBIPAM:       lbIPAM,
	Kind:         kind,
	K3s:          k3s,
	RKE2:         rke2,
	Talos:        talos,
	FRR:          frr,
	Radvd:        radvd,
	Networkd:     networkd,
	NFTables:     nftables,
}

// ParseTarget is the target of this name.
func ParseTarget(name string) (Target, error) {
	if t := Target(name); slices.Contains(Targets, t) {
		return t, nil
	}
	names := make([]string, len(Targets))
	for i, t := range Targets {
		names[i] = string(t)
	}
	return "", fmt.Errorf("%q: want one of %s", name, strings.Join(names, ", "))
}

// Balancer is who gives LoadBalancer Services their addresses.
type Balancer string

// The load balancers.
const (
	ByMetalLB Balancer = "metallb"
	ByCilium  Balancer = "cilium" // LB IPAM
)

// Options is what the plan does not tell. The zero Options is MetalLB and Cilium in
// kube-proxy's place, in the releases that the plan names, on nodes without a name.
type Options struct {
	// Versions go before the plan's own. What neither names is the latest.
	Versions plan.Versions
	// KubeadmAPI is "v1beta3" or "v1beta4"; empty is what the release of Kubernetes
	// takes.
	KubeadmAPI string
	// Nodes are the nodes of the cluster, of which the first is the control plane.
	// Without them there are placeholders.
	Nodes []Node
	// Balancer is ByMetalLB when empty.
	Balancer Balancer
	// OwnCNI is whether the distribution's own network plug-in is used, with
	// kube-proxy, and not Cilium.
	OwnCNI bool
}

// File is a file to be written. Its name has no folder.
type File struct {
	Name    string
	Content []byte
}

// Note is something that whoever uses the files has to know or to fill in.
type Note struct {
	Target  Target
	File    string // empty when it is about all of them
	Message string
}

// String is "kubeadm: kubeadm.yaml: MESSAGE".
func (n Note) String() string {
	if n.File == "" {
		return fmt.Sprintf("%s: %s", n.Target, n.Message)
	}
	return fmt.Sprintf("%s: %s: %s", n.Target, n.File, n.Message)
}

// CheckNodes is what is wrong with nodes by the plan, all of it: what Render would say
// of them for every target.
func CheckNodes(p *plan.Plan, nodes []Node) error {
	j := &job{plan: p, opts: Options{Nodes: nodes}}
	j.checkNodes()
	return errors.Join(j.faults...)
}

// Render is the files for a target, in a fixed order, and what is to be known about
// them. An error has everything that keeps the plan from being rendered, each with
// the field of the plan; there are no files then. A plan that Validate has errors
// about may give files that the components refuse.
func Render(p *plan.Plan, target Target, opts Options) ([]File, []Note, error) {
	render, ok := renderers[target]
	if !ok {
		_, err := ParseTarget(string(target))
		return nil, nil, err
	}
	j := &job{plan: p, target: target, opts: opts}
	j.checkNodes()
	render(j)
	if len(j.faults) > 0 {
		for i, fault := range j.faults {
			j.faults[i] = fmt.Errorf("%s: %w", target, fault)
		}
		return nil, nil, errors.Join(j.faults...)
	}
	return j.files, j.notes, nil
}
