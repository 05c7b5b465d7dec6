package plan

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Rule is which claim about a plan does not hold.
type Rule string

// The rules of Validate. A problem of the file's form has none of them.
const (
	HostBits       Rule = "host-bits"       // no prefix has host bits
	HasFamilies    Rule = "families"        // every use has a range of each family of the plan
	InDelegated    Rule = "in-delegated"    // public ranges lie in the delegated prefix
	InLAN          Rule = "in-lan"          // what the nodes answer for by ARP or NDP lies in their network
	PodsReachable  Rule = "pods-reachable"  // pods that leave with their own address get answers
	Disjoint       Rule = "disjoint"        // no two ranges share an address
	PoolFamilies   Rule = "pool-families"   // some pool has addresses of both families
	PoolEdges      Rule = "pool-edges"      // no pool has an address that the network itself uses
	Documentation  Rule = "documentation"   // no range is for documentation
	SpecialPurpose Rule = "special-purpose" // no range has a purpose of its own
	ServiceSize    Rule = "service-size"    // kube-apiserver takes the Service ranges
	NodeMaskSize   Rule = "node-mask"       // kube-controller-manager takes the node masks
	KubeadmSize    Rule = "kubeadm-size"    // kubeadm takes the ranges
	Enough         Rule = "capacity"        // the ranges have what is expected
)

// Problem is something wrong with a plan, at its place in the file.
type Problem struct {
	Rule     Rule
	Severity severity.Severity
	Field    string // "spec.pods.ipv6"; empty for the file as a whole
	At       Position
	Message  string // present tense, values first
	Fix      string // may be empty
}

// Error is "LINE:COLUMN: FIELD: MESSAGE", so that a Problem that keeps a plan
// from being read is an error as it stands.
func (p Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%d:%d: %s", p.At.Line, p.At.Column, p.Message)
	}
	return fmt.Sprintf("%d:%d: %s: %s", p.At.Line, p.At.Column, p.Field, p.Message)
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
