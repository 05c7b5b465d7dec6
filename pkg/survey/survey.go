// Package survey is the address plan that a cluster is run by: what its components
// say, brought into one plan, and how a plan and a cluster, or two plans, differ. It is
// pure: it knows a snapshot and plans, and reads nothing.
package survey

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Import is the plan that the components of a cluster tell of.
type Import struct {
	// Plan has what all sources agree on. A field that they do not agree on, or that
	// none says, it does not have.
	Plan *plan.Plan
	// Notes is comments by field for Plan.Format: the sources of each value, the
	// candidates of each conflict, and what is to be written where nobody says.
	Notes map[string]string
	// Conflicts is the fields that the sources do not agree on, in the order of the plan.
	Conflicts []Conflict
	// Gaps is what could not be looked at and might have said otherwise.
	Gaps []snapshot.Gap
	// Sources is the names and objects of all sources, as Options.Prefer has them.
	Sources []string
}

// Conflict is a field of the plan that sources do not agree on.
type Conflict struct {
	Field      string // "spec.pods.ipv6"
	Statements []Statement
	// Beside is what contradicts the statements and names no value itself: blocks of
	// nodes that lie outside.
	Beside []string
}

// Statement is what one source says that a field is.
type Statement struct {
	Value  string // as the plan has it
	Source Source
}

// Source is a place that says something about addresses.
type Source struct {
	Name  string // as a Claim has it: "kube-apiserver", "cilium"
	Field string // in the object: "--cluster-cidr", ".spec.cidrs"
	Ref   snapshot.Ref
	At    snapshot.Position // zero of a cluster
}

// String is "kube-apiserver --service-cluster-ip-range (pod/kube-system/…, FILE:LINE)".
func (s Source) String() string {
	text := s.Name
	if s.Field != "" {
		text += " " + s.Field
	}
	where := ""
	if s.Ref != (snapshot.Ref{}) {
		where = s.Ref.String()
	}
	if at := s.At.String(); at != "" {
		if where != "" {
			where += ", "
		}
		where += at
	}
	if where != "" {
		text += " (" + where + ")"
	}
	return text
}

// Options is how to import.
type Options struct {
	Name string // of the plan
	// Prefer is the sources, by name ("cilium") or object ("pod/kube-system/…"), that are
	// believed where sources do not agree, the first one most.
	Prefer []string
}

// Kinds is what an import looks at. Pods and Services are not among it.
var Kinds = []snapshot.Kind{
	snapshot.Versions, snapshot.Nodes, snapshot.ServiceCIDRs, snapshot.KubeadmConfig, snapshot.ControlPlane, snapshot.KubeProxySetup,
	snapshot.CiliumConfig, snapshot.CiliumNodes, snapshot.LBIPAMPools, snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.MetalLBAds,
}

// FromSnapshot is the plan of the cluster that snap is of.
func FromSnapshot(snap *snapshot.Snapshot, o Options) Import {
	s := &surveyor{snap: snap, prefer: o.Prefer, plan: &plan.Plan{Name: o.Name}, notes: map[string]string{}}
	s.families()
	s.delegated()
	s.pods()
	s.services()
	s.loadBalancers()
	s.lan()
	s.egress()
	s.versions()
	s.gaps()
	slices.Sort(s.sources)
	return Import{Plan: s.plan, Notes: s.notes, Conflicts: s.conflicts, Gaps: s.missing, Sources: slices.Compact(s.sources)}
}

// surveyor brings together what the sources say.
type surveyor struct {
	snap   *snapshot.Snapshot
	prefer []string

	plan      *plan.Plan
	notes     map[string]string
	conflicts []Conflict
	missing   []snapshot.Gap
	withheld  []string       // pools that stand in a comment
	present   []ipfam.Family // those of the plan, also where their order is not known
	sources   []string
}

// source is where a snapshot's object says something.
func (s *surveyor) source(name, field string, ref snapshot.Ref) Source {
	return Source{Name: name, Field: field, Ref: ref, At: s.snap.Position(ref, field)}
}

// gaps names what could not be looked at, in the head of the plan.
func (s *surveyor) gaps() {
	for _, g := range s.snap.SortedGaps() {
		if slices.Contains(Kinds, g.Kind) && !g.Absent() {
			s.missing = append(s.missing, g)
		}
	}
	name := s.snap.Source.Name
	if name == "-" {
		name = "standard input"
	}
	s.note("", "The address plan of "+name+", as its components tell it.")
	if len(s.missing) > 0 {
		s.note("", "Not all could be looked at, and it may say otherwise:")
	}
	for _, g := range s.missing {
		s.note("", "  "+g.String())
	}
}

// unread is the gaps of kinds, for the note of a field that they could say.
func (s *surveyor) unread(kinds ...snapshot.Kind) []string {
	var lines []string
	for _, k := range kinds {
		if g, gap := s.snap.Gap(k); gap && !g.Absent() {
			lines = append(lines, "not read: "+g.String())
		}
	}
	return lines
}

// key is the name of a family's field in a plan.
func key(f ipfam.Family) string {
	if f == ipfam.V4 {
		return "ipv4"
	}
	return "ipv6"
}
