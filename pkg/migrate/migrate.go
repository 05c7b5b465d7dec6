// Package migrate is the way of a cluster of one family to two: the steps in their
// order, how far each of them is as a snapshot shows, and what has to be made anew.
// It is pure.
package migrate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Status is how far a step is.
type Status string

// The statuses.
const (
	Done      Status = "done"
	ToDo      Status = "to do"
	NotNeeded Status = "not needed" // in this cluster
	Unseen    Status = "not seen"   // nothing that was read tells
)

// Step is one thing on the way.
type Step struct {
	ID     string // "node-addresses"; stays the same
	Title  string // what, as an instruction
	Status Status
	Seen   string         // what the status is told by, or why it is not
	Left   []snapshot.Ref // the objects that are still to be changed
	Do     []string       // commands and what is to be written, one after the other; none when nothing is left
	Again  string         // what has to be made anew; empty for nothing
	// Restart is what is started anew, Effect what is interrupted or becomes of what
	// is there, Undo how it is taken back; empty when nothing is, or it cannot be.
	Restart, Effect, Undo string
	Sources               []string
}

// Path is the steps to two families, in their order.
type Path struct {
	Keeps, Adds ipfam.Family // the first family, which stays the first, and the second
	Notes       []string     // what is to be known before the first step
	Steps       []Step
}

// Left is how many steps are to be done.
func (p *Path) Left() int { return p.Count(ToDo) }

// Count is how many steps have the status.
func (p *Path) Count(s Status) int {
	n := 0
	for _, step := range p.Steps {
		if step.Status == s {
			n++
		}
	}
	return n
}

// Kinds is what ToDual looks at.
var Kinds = []snapshot.Kind{
	snapshot.Versions, snapshot.Nodes, snapshot.Pods, snapshot.Services, snapshot.ServiceCIDRs, snapshot.KubeadmConfig, snapshot.ControlPlane,
	snapshot.KubeProxySetup, snapshot.CiliumConfig, snapshot.CiliumNodes, snapshot.LBIPAMPools, snapshot.MetalLBSetup, snapshot.MetalLBPools,
}

// errNoFamily is that nothing tells which family the cluster has.
var errNoFamily = errors.New("which family the cluster has cannot be told: neither ranges nor Nodes nor Services were read")

// migration is what the steps are made from.
type migration struct {
	*snapshot.Snapshot
	plan        *plan.Plan // nil without one
	keeps, adds ipfam.Family
	versions    plan.Versions
}

// ToDual is the path of the cluster to both families. The plan, which may be nil,
// has the ranges that the steps write; a path without one begins with making it.
//
// The order is that in which each part finds what it needs: addresses of the nodes
// before the programs that ask for them, ranges before what is given out of them,
// blocks before Pods, Pods before Services. A CNI that takes the blocks of the Nodes
// comes after these, since its agents wait for a block of each family.
// Source: cilium v1.20.2, pkg/node/sync/local_node_sync_wait.go; kubernetes v1.37.2,
// pkg/controller/nodeipam/ipam/range_allocator.go; https://github.com/kubernetes/kubernetes/issues/112321.
func ToDual(p *plan.Plan, s *snapshot.Snapshot) (*Path, error) {
	keeps, ok := primary(s)
	if !ok {
		return nil, errNoFamily
	}
	m := &migration{Snapshot: s, plan: p, keeps: keeps, adds: keeps.Other(), versions: versions(p, s)}
	path := &Path{Keeps: m.keeps, Adds: m.adds, Notes: m.notes()}
	steps := []Step{m.planned(), m.network(), m.nodeAddresses(), m.apiServer(), m.serviceCIDR(), m.controllerManager(), m.kubeadmConfig(), m.kubeProxy()}
	if m.clusterPool() {
		steps = append(steps, m.cni(), m.blocks())
	} else {
		steps = append(steps, m.blocks(), m.cni())
	}
	path.Steps = append(steps, m.pods(), m.pools(), m.filters(), m.services(), m.names())
	for i := range path.Steps {
		if path.Steps[i].Status == Done || path.Steps[i].Status == NotNeeded {
			path.Steps[i].finish()
		}
	}
	return path, nil
}

// finish takes from a step what only one that is to be done says.
func (s *Step) finish() {
	s.Left, s.Do, s.Again, s.Restart, s.Effect, s.Undo = nil, nil, "", "", "", ""
}

func versions(p *plan.Plan, s *snapshot.Snapshot) (v plan.Versions) {
	if p != nil {
		v = p.Versions
	}
	v.Kubernetes, v.Cilium, v.MetalLB = s.Kubernetes.Or(v.Kubernetes), s.Cilium.Version.Or(v.Cilium), s.MetalLB.Version.Or(v.MetalLB)
	return v
}

// primary is the cluster's first family, which no step changes: that of the first
// Service range, as the best witness says, or else of a pod range or of a node.
func primary(s *snapshot.Snapshot) (ipfam.Family, bool) {
	for _, program := range s.Programs(snapshot.APIServer) {
		if ranges, _ := program.Flags.Prefixes("service-cluster-ip-range"); len(ranges) > 0 {
			return ipfam.OfPrefix(ranges[0]), true
		}
	}
	for _, use := range []plan.Use{plan.Services, plan.Pods} {
		for _, c := range s.Claims(use) {
			if len(c.Prefixes) > 0 {
				return ipfam.OfPrefix(c.Prefixes[0]), true
			}
		}
	}
	for _, v := range s.Services {
		if len(v.ClusterIPs) > 0 {
			return ipfam.Of(v.ClusterIPs[0]), true
		}
	}
	for _, n := range s.Nodes {
		if ips := n.HostIPs(); len(ips) > 0 {
			return ipfam.Of(ips[0]), true
		}
	}
	return 0, false
}

// notes is what keeps the steps from being taken as they are.
func (m *migration) notes() (notes []string) {
	if v := m.versions.Kubernetes; v.Before(stable) {
		notes = append(notes, fmt.Sprintf("Kubernetes %s: two families are stable from %s on; upgrade first", v, stable))
	}
	for _, k := range m.Kubeadm {
		if k.Source() == snapshot.FromK3s {
			notes = append(notes, "k3s and RKE2 take a second family only when the cluster is made (https://docs.k3s.io/networking/basic-network-options): "+
				"make a new cluster with both and move the workloads; the steps show what it is to have")
			break
		}
	}
	return notes
}

// known reports whether facts of k are there, and if not or not wholly why.
func (m *migration) known(k snapshot.Kind) (string, bool) {
	g, gap := m.Gap(k)
	if gap && !g.Partial {
		return g.String(), false
	}
	return "", true
}

// pair is ranges of both families as flags take them, the first family first. A
// range that no plan has is a word in capitals to be filled in.
func (m *migration) pair(is []netip.Prefix, planned ipfam.Pair[netip.Prefix], what string) string {
	texts := []string{m.rangeOf(m.keeps, is, planned, what), m.rangeOf(m.adds, is, planned, what)}
	return strings.Join(texts, ",")
}

func (m *migration) rangeOf(f ipfam.Family, is []netip.Prefix, planned ipfam.Pair[netip.Prefix], what string) string {
	for _, p := range is {
		if ipfam.OfPrefix(p) == f {
			return p.String()
		}
	}
	if p := planned.Of(f); p.IsValid() {
		return p.String()
	}
	return strings.ToUpper(f.String()) + "-" + what
}

// plannedPods and plannedServices are the plan's ranges; none without a plan.
func (m *migration) plannedPods() (pods plan.PodRanges) {
	if m.plan != nil {
		pods = m.plan.Pods
	}
	return pods
}

func (m *migration) plannedServices() (services ipfam.Pair[netip.Prefix]) {
	if m.plan != nil {
		services = m.plan.Services
	}
	return services
}

// costs is s with what a change costs, as the rules of plans have it.
func (m *migration) costs(s Step, component, setting string) Step {
	cost, ok := plan.CostOf(component, setting, plan.Add, m.versions)
	if ok {
		s.Restart, s.Effect, s.Undo = cost.Restart, cost.Effect, cost.Undo
		s.Sources = append(s.Sources, cost.Source)
	}
	return s
}

// clusterPool reports whether Cilium's operator gives nodes their pod ranges.
func (m *migration) clusterPool() bool {
	return m.Cilium.Present() && m.Cilium.Config.IPAM() == "cluster-pool"
}

// counted is such as "1 Node" and "2 Nodes".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// some is the first few of refs by their names and how many more there are.
func some(refs []snapshot.Ref) string {
	const most = 4
	var names []string
	for i, ref := range refs {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(refs)-most)
		}
		names = append(names, ref.String())
	}
	return strings.Join(names, ", ")
}

// Command reports whether a line of Do is for a shell, and not what is to be written
// somewhere.
func Command(do string) bool {
	program, _, _ := strings.Cut(do, " ")
	return slices.Contains([]string{"helm", "ip", "kubectl", "openssl", "systemctl"}, program)
}
