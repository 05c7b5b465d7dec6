package trace

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// SeenAs is the address of family f with which packets of the Pod itself arrived, as a
// probe saw it last; the zero Addr where none did.
func SeenAs(seen []Observation, f ipfam.Family) netip.Addr {
	var far netip.Addr
	for _, o := range seen {
		if o.Family == f && o.Far.IsValid() && (o.Tier == TierExec || o.Tier == TierEphemeral) {
			far = o.Far
		}
	}
	return far
}

// Halt is the step at which the path ends or is no longer known; empty where it does not.
func (p Path) Halt() Step {
	var state State
	switch p.Verdict {
	case Fails:
		state = Stops
	case Unsure:
		state = Open
	}
	for _, h := range p.Hops {
		if h.State == state {
			return h.Step
		}
	}
	return ""
}
