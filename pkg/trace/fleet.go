package trace

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// FleetRow is one Node of many, each asked by one Pod on it.
type FleetRow struct {
	Node  string
	Pod   snapshot.Ref // the zero Ref where none could be asked; Note says why
	Paths ipfam.Pair[Path]
	Seen  []Observation
	Note  string
}

// Observed is the connection of family f that a Pod tried last, itself or by one beside
// it; nil for none. What the Node's own network does says nothing of its Pods.
func (r FleetRow) Observed(f ipfam.Family) *Observation {
	for i := len(r.Seen) - 1; i >= 0; i-- {
		if o := &r.Seen[i]; o.Family == f && o.Connect != NotTried && o.Tier != TierHost && o.Tier != TierAgent {
			return o
		}
	}
	return nil
}
