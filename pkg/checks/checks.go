// Package checks is what a check is and how checks are run. The checks
// themselves are in the folders below, one for each area; package catalog has
// the list of all.
package checks

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Check is a claim about a dual-stack cluster.
type Check struct {
	ID       string            // "DS501": permanent, never reused
	Name     string            // "pool-holds-both-families"; --only and --skip take it too
	Severity severity.Severity // of a finding, unless the finding says otherwise
	Doc      Doc
	// Needs is what Run cannot do without, Uses is what it looks at when it is
	// there. A check that has only Uses runs when at least one of them is known.
	Needs []snapshot.Kind
	Uses  []snapshot.Kind
	// AnyOf is kinds among Uses of which Run needs at least one, whatever else is
	// there: the flags of a program may be on a Pod or in kubeadm's configuration.
	AnyOf []snapshot.Kind
	// Plan is whether Run needs the address plan; without one it is skipped.
	Plan bool
	Run  func(*Input) []Finding
}

// Doc is what a check has to say for itself. Everything that is printed about a
// check comes from here: explain, the page under docs/checks, the report.
type Doc struct {
	Claim  string   // the true sentence of a healthy cluster, present tense
	Why    string   // what happens to whom when it does not hold
	Fix    string   // how it is mended, in general; a finding has the command
	Limits string   // what the check cannot see; may be empty
	Holds  string   // the releases for which the rule was verified: "Kubernetes 1.23 to 1.37"
	Since  string   // the first release of this tool that has the check
	Refs   []string // sources of the rule: "kubernetes v1.37.2 pkg/…", an issue
	Covers []string // the failures of docs/coverage.md that it shows, by ID: "SVC-08"
}

// Finding is a counterexample to a check's claim.
type Finding struct {
	Severity severity.Severity // zero is the check's
	Object   snapshot.Ref
	Field    string       // ".spec.ipFamilies"; may be empty
	Family   ipfam.Family // the family that suffers; zero when it is both or neither
	Message  string       // begins with the predicate; the object is the subject
	Fix      string       // a command, or what to write where; complete
	PlanAt   string       // for a finding in the plan: its field, "spec.pods.ipv6"
	// Related is what the finding is about beside Object: the Nodes of a Service's
	// endpoints, the pools that a Service has its addresses from. With it Follow
	// tells what has one cause.
	Related []snapshot.Ref
	Cause   *Cause // the finding that explains this one; set by Follow
	// Suppressed is why the finding does not count; set by Suppress.
	Suppressed *Suppression
	Known      bool // it was in the report that this one is compared with
}

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	Passed  Status = "passed"
	Failing Status = "failed"
	Skipped Status = "skipped" // there is nothing to look at, Reason says what is missing
	Unknown Status = "unknown" // looking did not work, Reason says why
)

// Result is what came of one check.
type Result struct {
	Check    *Check
	Status   Status
	Reason   string
	Findings []Finding
}
