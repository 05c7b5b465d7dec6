package trace

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// ParseRequirement reads the value of --require.
func ParseRequirement(text string) (Requirement, error) {
	for _, r := range []Requirement{RequireV4, RequireV6, RequireBoth, RequireAny} {
		if text == string(r) {
			return r, nil
		}
	}
	return "", fmt.Errorf("%q: want 4, 6, both or any", text)
}

// Outcome is whether the required families reach the target: by what was seen where it
// was tried, else by the prediction. Unsure is that it cannot be told.
func (t Trace) Outcome() Verdict {
	v4, v6 := t.Verdict(ipfam.V4), t.Verdict(ipfam.V6)
	switch asked := t.Query.Target.Families(); {
	case t.Query.Require == RequireV4 || !asked.Has(ipfam.V6):
		return v4
	case t.Query.Require == RequireV6 || !asked.Has(ipfam.V4):
		return v6
	case t.Query.Require == RequireAny:
		return best(v4, v6)
	}
	return Worst(v4, v6)
}

func best(a, b Verdict) Verdict {
	switch {
	case a == Reaches || b == Reaches:
		return Reaches
	case a == Unsure || b == Unsure:
		return Unsure
	}
	return Fails
}

// Worst is the worse of two verdicts: one that fails is worse than one that is not known.
func Worst(a, b Verdict) Verdict {
	switch {
	case a == Fails || b == Fails:
		return Fails
	case a == Unsure || b == Unsure:
		return Unsure
	}
	return Reaches
}

// Verdict is what comes of one family.
func (t Trace) Verdict(f ipfam.Family) Verdict {
	if o := t.observed(f); o != nil {
		switch {
		case o.Connect == Connected && o.Large != TimedOut && o.Large != Failed:
			return Reaches
		default:
			return Fails
		}
	}
	if v := t.Paths.Of(f).Verdict; v != Reaches || !t.probedInVain(f) {
		return v
	}
	return Unsure
}

// probedInVain reports whether the target was to be tried over the family from the Pod's
// own network, and could not be: a prediction is then no pass.
func (t Trace) probedInVain(f ipfam.Family) bool {
	return t.observed(f) == nil && slices.ContainsFunc(t.Seen, func(o Observation) bool {
		return o.Family == f && (o.fromPod() || o.Tier == TierHost && t.fromHost())
	})
}

// observed is the observation that tried the target over the family from the Pod's own
// network, or nil.
func (t Trace) observed(f ipfam.Family) *Observation {
	for i := range t.Seen {
		o := &t.Seen[i]
		if o.Family == f && o.Error == "" && (o.Connect != NotTried || o.noAnswer()) && (o.fromPod() || o.Tier == TierHost && t.fromHost()) {
			return o
		}
	}
	return nil
}

// fromHost reports whether the Pod is in the node's network: what is seen from there is
// what it sees.
func (t Trace) fromHost() bool {
	return t.Paths.V4.Mechanism == ByHost || t.Paths.V6.Mechanism == ByHost
}

// fromPod reports whether the observation was made in the Pod's network, or beside it.
func (o Observation) fromPod() bool {
	return o.Tier == TierExec || o.Tier == TierEphemeral || o.Tier == TierSibling
}

// noAnswer reports whether the name has no address of the family.
func (o Observation) noAnswer() bool { return o.Asked && len(o.Answers) == 0 }

// sentence is the verdict, with what an application makes of it.
func (t Trace) sentence() string {
	asked := t.Query.Target.Families()
	if !asked.Dual() {
		f := asked.List()[0]
		return fmt.Sprintf("%s: %s.", f, t.verdictText(f))
	}
	v4, v6 := t.Verdict(ipfam.V4), t.Verdict(ipfam.V6)
	switch {
	case v4 == Reaches && v6 == Reaches:
		return "Both families reach the target" + t.asPredicted() + "."
	case v4 == v6 && v4 == Fails:
		return fmt.Sprintf("Neither family reaches the target: an application fails (IPv4 at %s, IPv6 at %s).", t.where(ipfam.V4), t.where(ipfam.V6))
	case v4 == v6:
		if why := t.unknown(ipfam.V4); why == t.unknown(ipfam.V6) {
			return "Both families: " + why + "."
		}
		return fmt.Sprintf("IPv4: %s; IPv6: %s.", t.unknown(ipfam.V4), t.unknown(ipfam.V6))
	case v4 == Unsure || v6 == Unsure:
		known := ipfam.V4
		if v4 == Unsure {
			known = ipfam.V6
		}
		return fmt.Sprintf("%s: %s; %s: %s.", known, t.verdictText(known), known.Other(), t.unknown(known.Other()))
	}
	dead := ipfam.V4
	if v6 == Fails {
		dead = ipfam.V6
	}
	return fmt.Sprintf("%s reaches the target and %s does not (%s): %s.", dead.Other(), dead, t.where(dead), t.experience(dead))
}

// asPredicted says of two families that were seen to work whether they did as predicted.
func (t Trace) asPredicted() string {
	for _, f := range ipfam.All {
		if t.observed(f) == nil {
			return ", as far as the API tells"
		}
	}
	if len(t.Partings) > 0 {
		return ", though not as predicted"
	}
	return ", as predicted"
}

func (t Trace) verdictText(f ipfam.Family) string {
	switch t.Verdict(f) {
	case Reaches:
		return "reaches the target" + t.source(f)
	case Fails:
		return "does not reach the target: " + t.where(f)
	}
	return t.unknown(f)
}

// unknown says what is missing to know of a family.
func (t Trace) unknown(f ipfam.Family) string {
	switch {
	case len(t.Seen) == 0:
		return "not known without --probe"
	case t.probedInVain(f) && t.Paths.Of(f).Verdict == Reaches:
		return "predicted to reach the target, and could not be probed"
	case t.probedInVain(f):
		return "not known: it could not be probed"
	}
	return "not known: nothing tried it from the Pod's own network, as --probe=exec does"
}

func (t Trace) source(f ipfam.Family) string {
	if far := SeenAs(t.Seen, f); far.IsValid() {
		return " as " + far.String()
	}
	if a := t.Paths.Of(f).Source; a.IsValid() {
		return " as " + a.String()
	}
	return ""
}

// where is the step at which a family's packets end.
func (t Trace) where(f ipfam.Family) string {
	for _, p := range t.Partings {
		if p.Family == f {
			return string(p.Step)
		}
	}
	for _, h := range t.Paths.Of(f).Hops {
		if h.State == Stops {
			return string(h.Step)
		}
	}
	return "at an unknown step"
}

// experience is what an application sees of a family that is dead while the other works.
// A refusal, or an error from a router, sends it on at once; silence is waited out, unless
// it tries the other family meanwhile, as browsers do after 250 ms (RFC 8305), curl after
// 200 and Go after 300.
func (t Trace) experience(dead ipfam.Family) string {
	if t.nameless(dead) {
		return fmt.Sprintf("the name has no %s address, and applications use %s at once", dead, dead.Other())
	}
	if t.where(dead) == string(StepSize) {
		return fmt.Sprintf("applications connect over %s, and hang as soon as much is sent: no fallback helps", dead)
	}
	first := t.first()
	if first == dead.Other() || t.where(dead) == string(StepPod) { // there is no address to send from
		return fmt.Sprintf("applications use %s at once, and nobody notices", dead.Other())
	}
	if o := t.observed(dead); o != nil && (o.Connect == Refused || o.Connect == Unreachable) {
		return fmt.Sprintf("applications are told at once, and use %s", dead.Other())
	}
	if first == dead {
		return fmt.Sprintf("applications try %s first, and stall 200 to 300 ms with Happy Eyeballs, without it until the connection times out", dead)
	}
	return fmt.Sprintf("an application that tries %s first stalls 200 to 300 ms with Happy Eyeballs, without it until the connection times out", dead)
}

// nameless reports whether the target's name has no address of the family.
func (t Trace) nameless(f ipfam.Family) bool {
	if o := t.observed(f); o != nil && o.noAnswer() {
		return true
	}
	target := t.Query.Target
	return target.Kind == ToService && !target.Addresses.Of(f).IsValid() && t.where(f) == string(StepService)
}

// first is the family that all programs try first, or 0 when they do not agree, or it is
// not known.
func (t Trace) first() ipfam.Family {
	var first ipfam.Family
	for _, p := range t.Programs {
		if len(p.Order) == 0 || first != 0 && p.Order[0] != first {
			return 0
		}
		first = p.Order[0]
	}
	return first
}
