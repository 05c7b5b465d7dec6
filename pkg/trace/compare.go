package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Compare lays what probes saw beside the prediction. A hop that a probe bears out is
// known by it; where it shows otherwise the hop says what was seen, and there is a
// Parting. The first one of a family is the one to look at.
func (t *Trace) Compare(s *snapshot.Scene, seen []Observation) {
	t.Seen = seen
	for _, f := range ipfam.All {
		if t.Query.Target.Families().Has(f) {
			c := comparison{trace: t, path: t.Paths.At(f), address: snapshot.Of(s.Source.IPs, f), pod: t.observed(f), host: t.from(f, TierHost), agent: t.from(f, TierAgent)}
			c.compare()
		}
	}
	slices.SortStableFunc(t.Partings, func(a, b Parting) int {
		if a.Family != b.Family {
			return int(a.Family) - int(b.Family)
		}
		return slices.Index(Steps[:], a.Step) - slices.Index(Steps[:], b.Step)
	})
	t.conclude(s)
}

// from is the observation of a tier, or nil when there is none of use.
func (t *Trace) from(f ipfam.Family, tier Tier) *Observation {
	for i := range t.Seen {
		if o := &t.Seen[i]; o.Family == f && o.Tier == tier && o.Error == "" {
			return o
		}
	}
	return nil
}

// comparison is one family's path and what was seen of it, from where. Any of the
// observations may be nil.
type comparison struct {
	trace            *Trace
	path             *Path
	address          netip.Addr // of the traced Pod
	pod, host, agent *Observation
}

func (c comparison) compare() {
	c.agentSays()
	if c.pod == nil {
		return
	}
	c.near()
	c.far()
	switch stop := c.stop(); {
	case c.pod.Connect == Connected && stop != nil:
		c.part(Parting{Step: stop.Step, Predicted: stop.Text, Observed: "the packet passes, and the target answers", Because: "what was predicted hangs on: " + stop.Because})
		c.passed()
	case c.pod.Connect == Connected:
		c.passed()
		c.large()
	case stop != nil:
		stop.Known = Probed
	default:
		c.lost()
	}
}

// stop is the hop at which the packet was predicted to end, or nil.
func (c comparison) stop() *Hop {
	i := slices.IndexFunc(c.path.Hops, func(h Hop) bool { return h.State == Stops })
	if i < 0 {
		return nil
	}
	return &c.path.Hops[i]
}

// hop is the path's hop of a step, or nil.
func (c comparison) hop(step Step) *Hop {
	i := slices.IndexFunc(c.path.Hops, func(h Hop) bool { return h.Step == step })
	if i < 0 {
		return nil
	}
	return &c.path.Hops[i]
}

// part notes a parting, in the path's hop too.
func (c comparison) part(p Parting) {
	p.Family = c.path.Family
	if hop := c.hop(p.Step); hop != nil && p.Predicted == "" {
		p.Predicted = hop.Text
	}
	c.trace.Partings = append(c.trace.Partings, p)
}

// stops is a parting at which the packet ends.
func (c comparison) stops(p Parting) {
	c.part(p)
	hop := c.hop(p.Step)
	if hop == nil {
		hop = c.insert(p.Step)
		hop.Text = p.Observed
	}
	hop.State, hop.Known, hop.Because, hop.Check, hop.Fix = Stops, Probed, p.Observed, p.Check, p.Fix
	after := false
	for i := range c.path.Hops {
		h := &c.path.Hops[i]
		if after {
			h.State = NotReached
		}
		after = after || h.Step == p.Step
	}
	c.path.Verdict, c.path.Why = Fails, fmt.Sprintf("%s: %s", p.Step, p.Observed)
}

// insert is a hop of a step that the prediction has none of, at its place.
func (c comparison) insert(step Step) *Hop {
	at := slices.IndexFunc(c.path.Hops, func(h Hop) bool { return slices.Index(Steps[:], h.Step) > slices.Index(Steps[:], step) })
	if at < 0 {
		at = len(c.path.Hops)
	}
	c.path.Hops = slices.Insert(c.path.Hops, at, Hop{Step: step, State: Passes, Known: Probed})
	return &c.path.Hops[at]
}

// passed is a packet that arrived, and an answer that came back: no hop is open any more.
func (c comparison) passed() {
	c.path.Verdict, c.path.Why = Reaches, ""
	for i := range c.path.Hops {
		h := &c.path.Hops[i]
		if h.State == Open {
			h.Text, h.Because = settled(h), ""
		}
		if h.State != Doubtful {
			h.State = Passes
		}
		switch h.Step {
		case StepTarget:
			h.Known, h.Because = Probed, ""
			h.Text += answersIn
			if c.pod.Took > 0 {
				h.Text += " in " + c.pod.Took.Round(100*time.Microsecond).String()
			}
		case StepReturn, StepName, StepPolicy:
			h.Known = Probed
		}
	}
}

// answersIn begins what is added to a target that has been probed.
const answersIn = ", answers"

// settled is the words of a hop that was open, without what was not known.
func settled(h *Hop) string {
	switch what, _, open := strings.Cut(h.Text, ": "); {
	case h.Step == StepReturn && !open:
		return "the answer came back"
	case h.Step == StepReturn:
		return what + ": the answer came back"
	default:
		return what
	}
}

// near is what the probe had itself: the Pod's address, and the name's addresses.
func (c comparison) near() {
	if hop := c.hop(StepPod); hop != nil && c.pod.Own.IsValid() && c.pod.Tier != TierSibling {
		hop.Known = Probed
	}
	if hop := c.hop(StepName); hop != nil && len(c.pod.Answers) > 0 {
		hop.Known, hop.Text, hop.Because = Probed, fmt.Sprintf("%s is %s", c.trace.Query.Target.Name, c.pod.Answers[0]), ""
	}
	if hop := c.hop(StepNode); hop != nil && c.rung(c.pod, RungNode).Answered() {
		hop.Known = Probed
		if hop.State == Open {
			hop.State = Passes
		}
	}
}

// far is the source address that an echo server saw.
func (c comparison) far() {
	saw := c.pod.Far
	if !saw.IsValid() {
		return
	}
	hop := c.hop(StepMasquerade)
	if hop == nil {
		hop = c.hop(StepDatapath)
	}
	if hop == nil {
		return
	}
	want := c.path.Source
	if c.pod.Tier == TierSibling && want == c.address { // it has an address of its own
		want = c.pod.Own
	}
	switch {
	case saw == want:
		hop.Known = Probed
	case c.path.Beyond && saw != c.own() && routed(saw):
		hop.Known = Probed
	case !want.IsValid():
		hop.Known, hop.State, hop.Because = Probed, Passes, "the target saw "+saw.String()
		hop.Text = c.as(saw)
		c.path.Source = saw
	default:
		c.part(Parting{Step: hop.Step, Predicted: hop.Text, Observed: "the target saw " + saw.String(), Because: c.whyOther(saw),
			Check: "DS414", Fix: "kubectl dualstack doctor --only DS404,DS407,DS414"})
		hop.Known, hop.State, hop.Text = Probed, Doubtful, c.as(saw)
		c.path.Source, c.path.Mechanism = saw, MechanismOpen
		if saw == c.own() {
			c.path.Mechanism = KeepsSource
		}
	}
}

func (c comparison) as(saw netip.Addr) string {
	if saw == c.own() {
		return "none: leaves as " + saw.String()
	}
	return "leaves as " + saw.String()
}

func (c comparison) own() netip.Addr { return c.pod.Own }

func (c comparison) whyOther(saw netip.Addr) string {
	if saw == c.own() {
		return "what runs does not masquerade here, whatever the configuration says"
	}
	return "what runs masquerades, whatever the configuration says"
}

// agentSays is what the network plugin's agent has in effect.
func (c comparison) agentSays() {
	if c.agent == nil || c.agent.Agent == nil {
		return
	}
	a, hop := c.agent.Agent, c.hop(StepMasquerade)
	if hop == nil || a.Mechanism == "" {
		return
	}
	predicted := c.path.Mechanism
	switch predicted {
	case KeepsSource, ByBPF, ByIPTables:
	case MechanismOpen:
		if c.path.Configured != "" && a.Mechanism != c.path.Configured {
			c.part(Parting{Step: StepMasquerade, Predicted: fmt.Sprintf("%s, if the agent ran with the configuration", c.path.Configured),
				Observed: fmt.Sprintf("the agent's masquerading of %s is %s", c.path.Family, a.Mechanism), Because: hop.Because, Check: hop.Check, Fix: hop.Fix})
		}
		return
	default:
		return
	}
	if a.Mechanism == predicted || predicted == KeepsSource && c.keptBy(hop) {
		hop.Known = Probed
		return
	}
	c.part(Parting{Step: StepMasquerade, Predicted: hop.Text, Observed: fmt.Sprintf("the agent's masquerading of %s is %s", c.path.Family, a.Mechanism),
		Because: "the agent runs with other settings than the configuration has now", Check: "DS414", Fix: "kubectl dualstack doctor --only DS414"})
	hop.State = Doubtful
}

// keptBy reports whether the hop keeps the source for a reason other than masquerading
// being off, so that the agent may well masquerade what goes elsewhere.
func (c comparison) keptBy(hop *Hop) bool {
	return c.agent.Agent.Exclusion.IsValid() || hop.Check == "DS407"
}

// large is whether packets of full size pass, once small ones do.
func (c comparison) large() {
	if c.pod.Large == NotTried || c.pod.Large == Connected {
		return
	}
	c.stops(Parting{Step: StepSize, Predicted: "packets of any size pass", Observed: "small packets pass, large ones are lost: " + string(c.pod.Large),
		Because: "a link on the way takes smaller packets, and what says so (ICMP packet too big) does not come back",
		Fix:     "let ICMPv6 type 2 and ICMP type 3 code 4 through every firewall on the way"})
}

func (c comparison) rung(o *Observation, name string) Outcome {
	if o == nil {
		return NotTried
	}
	for _, r := range o.Rungs {
		if r.Name == name {
			return r.Outcome
		}
	}
	return NotTried
}
