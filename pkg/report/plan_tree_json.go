package report

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// treeDocument is a PlanTree as JSON and YAML have it; docs/schema/plantree.schema.json
// says what the fields are.
type treeDocument struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Source     string          `json:"source"`
	Name       string          `json:"name"`
	Needed     string          `json:"needed"`
	Cluster    string          `json:"cluster"`
	V4         []branchElement `json:"ipv4"`
	V6         []branchElement `json:"ipv6"`
	Overlaps   []treeOverlap   `json:"overlaps"`
	Outside    []treeOutside   `json:"outside"`
	Unknown    []PlanUnknown   `json:"unknown"`
}

type branchElement struct {
	Range    string          `json:"range"`
	From     netip.Addr      `json:"from"`
	To       netip.Addr      `json:"to"`
	Use      plan.Use        `json:"use"`
	Name     string          `json:"name"`
	Field    string          `json:"field"`
	Offset   float64         `json:"offset"`
	Share    float64         `json:"share"`
	Room     *roomElement    `json:"room"`
	Free     *freeElement    `json:"free"`
	Branches []branchElement `json:"branches"`
}

type roomElement struct {
	Capacity uint64  `json:"capacity"`
	Needed   *uint64 `json:"needed"`
}

type freeElement struct {
	Length  int    `json:"length"`
	Blocks  uint64 `json:"blocks"`
	Of      uint64 `json:"of"`
	Largest string `json:"largest"`
}

type treeOverlap struct {
	Severity severity.Severity `json:"severity"`
	Field    string            `json:"field"`
	With     string            `json:"with"`
	Shared   string            `json:"shared"`
}

type treeOutside struct {
	Use   plan.Use `json:"use"`
	Range string   `json:"range"`
	Name  string   `json:"name"`
	Owner string   `json:"owner"`
}

// document is t for programs.
func (t PlanTree) document() treeDocument {
	tree := t.Plan.Tree(t.Usage)
	d := treeDocument{
		APIVersion: APIVersion, Kind: "PlanTree", Source: t.Source, Name: t.Plan.Name, Cluster: t.Cluster,
		V4: branchElements(tree.Roots.Of(ipfam.V4)), V6: branchElements(tree.Roots.Of(ipfam.V6)),
		Overlaps: []treeOverlap{}, Outside: []treeOutside{}, Unknown: unknowns(t.Usage),
	}
	switch {
	case t.Usage != nil:
		d.Needed = "used"
	case t.Plan.Expect != plan.Expectation{}:
		d.Needed = "expected"
	}
	for _, o := range tree.Overlaps {
		d.Overlaps = append(d.Overlaps, treeOverlap{Severity: o.Severity, Field: o.Range.Field, With: o.With.Field,
			Shared: plan.FormatAddrs(plan.Intersect(o.Range.Addrs, o.With.Addrs))})
	}
	for _, r := range tree.Outside {
		d.Outside = append(d.Outside, treeOutside{Use: r.Use, Range: r.String(), Name: r.Name, Owner: r.Owner})
	}
	return d
}

func branchElements(list []*plan.Branch) []branchElement {
	elements := make([]branchElement, 0, len(list))
	for _, b := range list {
		e := branchElement{
			Range: b.String(), From: b.Addrs.From(), To: b.Addrs.To(), Use: b.Use, Name: b.Name, Field: b.Field,
			Offset: b.Offset, Share: b.Share, Branches: branchElements(b.Branches),
		}
		if b.Room != (plan.Room{}) {
			e.Room = &roomElement{Capacity: b.Room.Capacity}
			if b.Room.Known {
				e.Room.Needed = &b.Room.Need
			}
		}
		if s := b.Spare; s.Of > 0 {
			e.Free = &freeElement{Length: s.Unit, Blocks: s.Blocks, Of: s.Of}
			if s.Largest.IsValid() {
				e.Free.Largest = s.Largest.String()
			}
		}
		elements = append(elements, e)
	}
	return elements
}
