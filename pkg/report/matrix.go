package report

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Row is what one source says about the ranges of one use. Objects that say the
// same, such as the kube-apiservers of three control-plane nodes, are one row.
type Row struct {
	Use     plan.Use `json:"use"`
	Source  string   `json:"source"`  // "plan", "kubeadm-config", "kube-apiserver", "nodes", …
	Objects int      `json:"objects"` // how many objects the row is made from
	Object  Object   `json:"object"`  // that object, when it is one
	Cells
}

// Cells is what a row says of each family.
type Cells struct {
	V4 Cell `json:"ipv4"`
	V6 Cell `json:"ipv6"`
}

// Of is the cell of f.
func (c Cells) Of(f ipfam.Family) Cell { return ipfam.Pair[Cell](c).Of(f) }

// Cell is what one source says about one use and family.
type Cell struct {
	Ranges   []string `json:"ranges"`             // as the source writes them, in its order
	NodeMask int      `json:"nodeMask,omitempty"` // the size of a node's block; 0 when the source does not say
	Blocks   *Blocks  `json:"blocks,omitempty"`   // of a source that has nodes' blocks instead of ranges
	Verdict  Verdict  `json:"verdict"`
}

// Blocks sums up the blocks that nodes have got.
type Blocks struct {
	Count   int      `json:"count"`
	Masks   []int    `json:"masks"`   // the sizes that occur
	First   string   `json:"first"`   // the lowest
	Last    string   `json:"last"`    // the highest
	Outside []string `json:"outside"` // those that do not lie in the reference
}

// Verdict is how a cell compares with the reference: the plan, or without one
// what most sources say.
type Verdict string

// The verdicts.
const (
	Reference  Verdict = "reference"  // the plan itself
	Agrees     Verdict = "agrees"     // the same range, or blocks that lie in it
	Differs    Verdict = "differs"    // another range, or another size of blocks
	Missing    Verdict = "missing"    // nothing, where a range of the family belongs
	Silent     Verdict = "silent"     // nothing, and that is in order
	Uncompared Verdict = "uncompared" // there is nothing to compare with
)

// uses is what the matrix shows, in its order.
var uses = [...]plan.Use{plan.Pods, plan.Services, plan.LoadBalancers}

// matrix is what every source says beside the plan, which may be nil.
func matrix(p *plan.Plan, snap *snapshot.Snapshot) []Row {
	rows := []Row{}
	for _, use := range uses {
		entries := gather(snap.Claims(use))
		var refs ipfam.Pair[reference]
		if p == nil {
			refs = commonReference(use, entries)
		} else {
			refs = planReference(p, use)
			rows = append(rows, planRows(p, use, refs)...)
		}
		for _, e := range entries {
			rows = append(rows, e.row(refs))
		}
	}
	return rows
}

// planRows is the plan's row, or none when it has no range of the use.
func planRows(p *plan.Plan, use plan.Use, refs ipfam.Pair[reference]) []Row {
	var cells ipfam.Pair[Cell]
	said := false
	for _, f := range ipfam.All {
		ref := refs.Of(f)
		cell := Cell{Ranges: texts(ref.spans), NodeMask: ref.mask, Verdict: Silent}
		if len(ref.spans) > 0 {
			cell.Verdict, said = Reference, true
		}
		*cells.At(f) = cell
	}
	if !said {
		return nil
	}
	return []Row{{Use: use, Source: "plan", Objects: 1, Object: Object{Kind: plan.Kind, Name: p.Name}, Cells: Cells(cells)}}
}
