package report

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// The document of a fleet. docs/schema/tracefleet.schema.json says what the fields mean.
type (
	fleetDoc struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Summary    fleetSummary   `json:"summary"`
		Nodes      []fleetNodeDoc `json:"nodes"`
	}
	fleetSummary struct {
		V4 fleetSum `json:"ipv4"`
		V6 fleetSum `json:"ipv6"`
	}
	fleetSum struct {
		Reaches int `json:"reaches"`
		Fails   int `json:"fails"`
		Unknown int `json:"unknown"`
	}
	fleetNodeDoc struct {
		Node         string           `json:"node"`
		Pod          Object           `json:"pod"`
		Note         string           `json:"note"`
		Paths        familyDoc        `json:"paths"`
		Observations []observationDoc `json:"observations"`
	}
)

func fleetDocument(rows []trace.FleetRow) fleetDoc {
	return fleetDoc{
		APIVersion: APIVersion, Kind: "TraceFleet",
		Summary: fleetSummary{fleetSumOf(rows, ipfam.V4), fleetSumOf(rows, ipfam.V6)},
		Nodes: each(rows, func(r trace.FleetRow) fleetNodeDoc {
			return fleetNodeDoc{r.Node, Object(r.Pod), r.Note, pathDocuments(r.Paths), each(r.Seen, observationDocument)}
		}),
	}
}

// fleetSumOf counts Nodes by what a probe saw, or else by what was predicted.
func fleetSumOf(rows []trace.FleetRow, f ipfam.Family) fleetSum {
	var sum fleetSum
	for _, row := range rows {
		switch fleetOutcome(row, f).mark {
		case markOK:
			sum.Reaches++
		case markError:
			sum.Fails++
		default:
			sum.Unknown++
		}
	}
	return sum
}

func (s fleetSum) counts() []count {
	return []count{
		{s.Fails, markError, "node fails", "nodes fail"},
		{s.Unknown, markUnknown, "is unknown", "are unknown"},
		{s.Reaches, markOK, "reaches", "reach"},
	}
}
