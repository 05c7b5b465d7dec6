package expose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Kinds is what a forecast looks at in a cluster.
var Kinds = []snapshot.Kind{
	snapshot.Versions, snapshot.Nodes, snapshot.Services, snapshot.ServiceCIDRs, snapshot.CiliumConfig, snapshot.KubeProxySetup,
	snapshot.LBIPAMPools, snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.MetalLBAds,
}

// Situation is a Service that is about to be made or changed, and where.
type Situation struct {
	Plan     *plan.Plan // may be nil
	Snapshot *snapshot.Snapshot
	// Service is as the API server would make it: its families are those of its
	// ClusterIPs, which in a dry run are placeholders, or those that it names.
	Service         snapshot.Service
	Exists          bool // whether it is there already, with the addresses that it has, and only changes
	Backends        []snapshot.Backend
	BackendsUnknown string // why they are not known
}

// Line is a statement of a forecast. With the zero Severity it holds.
type Line struct {
	Severity severity.Severity
	Unknown  bool   // it could not be looked at, and Text says why
	About    string // what it is about, in a word, or the ID of the check that says it
	Text     string
	Fix      string // a command, when there is something to mend
}

// Forecast is what will become of the Service.
type Forecast struct {
	Controller Controller
	// Outcome is what MetalLB will give; of other controllers it is zero.
	Outcome metallb.Outcome
	Lines   []Line
}

// Worst is the severity of the worst line.
func (f Forecast) Worst() severity.Severity {
	var worst severity.Severity
	for _, l := range f.Lines {
		worst = max(worst, l.Severity)
	}
	return worst
}

// Foresee is what will become of the Service, as far as can be told.
func Foresee(s Situation) Forecast {
	in := checks.NewInput(s.Plan, s.Snapshot)
	lines := []Line{s.familyLine(), nodeLine(in)}
	if len(s.Service.Selector) > 0 {
		lines = append(lines, s.backendLines()...)
	}
	f := Forecast{Lines: lines}
	if s.Service.LoadBalancer() {
		f.foreseeBalancer(s, in)
	}
	f.Lines = append(f.Lines, s.newFindings(f)...)
	return f
}

// families is those that the Service will have.
func (s Situation) families() ipfam.Set {
	has := s.Service.Has()
	if s.Service.Dual() {
		has = ipfam.SetOf(ipfam.All[:]...)
	}
	return has
}

// familyLine is whether the API server gives the families that were asked for. One that
// refuses says so itself.
func (s Situation) familyLine() Line {
	has := s.families()
	text := fmt.Sprintf("%s: %s", has, serviceRanges(s.Snapshot, has))
	if Policy(s.Service.Policy) == Prefer && !has.Dual() {
		return Line{Severity: severity.Warning, About: "families", Text: text + "; the API server has no Service range of the other family"}
	}
	return Line{About: "families", Text: strings.TrimSuffix(text, ": ")}
}

// serviceRanges is the ranges of these families that the cluster's ServiceCIDRs have.
func serviceRanges(snap *snapshot.Snapshot, families ipfam.Set) string {
	var texts []string
	for _, c := range snap.ServiceCIDRs {
		for _, p := range c.CIDRs {
			if families.Has(ipfam.OfPrefix(p)) {
				texts = append(texts, p.String())
			}
		}
	}
	return strings.Join(texts, ", ")
}

// nodeLine is whether the Nodes have an address of each family, which NodePorts and
// the announcing of load-balancer addresses take.
func nodeLine(in *checks.Input) Line {
	const about = "nodes"
	nodes := in.Nodes()
	if g, gap := in.Gap(snapshot.Nodes); gap && !g.Partial {
		return Line{Unknown: true, About: about, Text: g.String()}
	}
	if len(nodes) == 0 {
		return Line{Severity: severity.Warning, About: about, Text: "there is none: nothing can run behind the Service"}
	}
	var lacking []string
	for _, n := range nodes {
		if !ipfam.SetOfAddrs(n.HostIPs()).Dual() {
			lacking = append(lacking, n.Name)
		}
	}
	if len(lacking) > 0 {
		return Line{
			Severity: severity.Warning, About: about,
			Text: fmt.Sprintf("%d of %d have an address of one family only: %s", len(lacking), len(nodes), checks.Some(lacking)),
			Fix:  "kubectl dualstack doctor --only DS301",
		}
	}
	return Line{About: about, Text: fmt.Sprintf("%d of %d have an address of each family", len(nodes), len(nodes))}
}

const (
	aboutAddresses = "addresses"
	noPool         = "MetalLB has no pool" // of which it says nothing itself
)

// areas is whose checks can be about one Service: load balancers and Services, without
// those that look at Pods and EndpointSlices, which do not know of it yet.
func areas() []*checks.Check {
	return slices.DeleteFunc(slices.Clone(catalog.All), func(c *checks.Check) bool {
		kinds := slices.Concat(c.Needs, c.Uses)
		return !strings.HasPrefix(c.ID, "DS5") && !strings.HasPrefix(c.ID, "DS6") ||
			slices.Contains(kinds, snapshot.Pods) || slices.Contains(kinds, snapshot.EndpointSlices)
	})
}

// newFindings is what doctor has to say of the cluster with the Service in it, with the
// addresses that are predicted, and has not to say without it.
func (s Situation) newFindings(f Forecast) (lines []Line) {
	service := s.Service
	service.Live, service.Ingress = true, f.Outcome.Addrs
	if f.Outcome.Why == "" && len(f.Outcome.Addrs) == 0 && service.LoadBalancer() {
		return nil // another controller's addresses are not predicted
	}
	before := map[string]bool{}
	for _, r := range checks.Run(areas(), s.Plan, s.Snapshot) {
		for _, finding := range r.Findings {
			before[key(r, finding)] = true
		}
	}
	for _, r := range checks.Run(areas(), s.Plan, s.Snapshot.With(service)) {
		for _, finding := range r.Findings {
			if before[key(r, finding)] || finding.Severity == severity.Info || f.repeats(r.Check.ID) {
				continue
			}
			if finding.Object == s.Service.Ref && !s.Exists {
				finding.Fix = "" // it would patch what is not there yet
			}
			lines = append(lines, Line{
				Severity: s.tempered(finding.Severity, f), About: r.Check.ID, Text: finding.Object.String() + " " + finding.Message, Fix: finding.Fix,
			})
		}
	}
	return lines
}

func key(r checks.Result, f checks.Finding) string {
	return strings.Join([]string{r.Check.ID, f.Object.String(), f.Field, f.Message}, "\n")
}

// repeats reports whether a check says again what the forecast has said: that the
// Service will lack an address, and why, where there is a smaller mend than the check's.
func (f Forecast) repeats(id string) bool {
	if f.Controller != MetalLB {
		return false
	}
	return id == "DS603" || id == "DS513" && f.Outcome.Flaps || f.OfAddresses().Fix != "" && slices.Contains([]string{"DS501", "DS510", "DS511", "DS514"}, id)
}

// tempered is how bad a finding is for who is content with one address, and gets it.
func (s Situation) tempered(of severity.Severity, f Forecast) severity.Severity {
	if Policy(s.Service.Policy) == Prefer && len(f.Outcome.Addrs) > 0 {
		return min(of, severity.Warning)
	}
	return of
}
