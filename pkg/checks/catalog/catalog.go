// Package catalog is the list of all checks.
package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/cni"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/controlplane"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/dns"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/loadbalancers"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/nodes"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/policy"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/ranges"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/services"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/workloads"
)

// All is every check, in the order of their IDs.
var All = slices.Concat(
	ranges.Checks,
	controlplane.Checks,
	nodes.Checks,
	cni.Checks,
	loadbalancers.Checks,
	services.Checks,
	dns.Checks,
	policy.Checks,
	workloads.Checks,
)

// Area is a group of checks, by the first digit of their IDs.
type Area struct {
	Prefix string // "DS1"
	Folder string // its package, beside this one
	Title  string
}

// Areas is the groups, in the order of their IDs.
var Areas = []Area{
	{"DS1", "ranges", "plan and ranges"},
	{"DS2", "controlplane", "control plane"},
	{"DS3", "nodes", "nodes"},
	{"DS4", "cni", "CNI and kube-proxy"},
	{"DS5", "loadbalancers", "load balancers"},
	{"DS6", "services", "Services and endpoints"},
	{"DS7", "dns", "DNS"},
	{"DS8", "policy", "policy and exposure"},
	{"DS9", "workloads", "workloads and egress"},
}

// Find is the check with this ID or name, in any case.
func Find(word string) (*checks.Check, bool) {
	i := slices.IndexFunc(All, func(c *checks.Check) bool {
		return strings.EqualFold(c.ID, word) || strings.EqualFold(c.Name, word)
	})
	if i < 0 {
		return nil, false
	}
	return All[i], true
}

// Select is the checks that only names, or all when it names none, without those
// that skip names. A word is an ID, a name, or the beginning of an ID: "DS5" is
// all of that area. A word that names no check is an error.
func Select(only, skip []string) ([]*checks.Check, error) {
	wanted, err := match(only)
	if err != nil {
		return nil, fmt.Errorf("--only %w", err)
	}
	unwanted, err := match(skip)
	if err != nil {
		return nil, fmt.Errorf("--skip %w", err)
	}
	var chosen []*checks.Check
	for _, c := range All {
		if (len(only) == 0 || wanted[c]) && !unwanted[c] {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func match(words []string) (map[*checks.Check]bool, error) {
	found := map[*checks.Check]bool{}
	for _, word := range words {
		known := false
		for _, c := range All {
			if strings.EqualFold(c.Name, word) || hasPrefixFold(c.ID, word) {
				found[c], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("%q: no check has this ID or name; see: kubectl dualstack doctor list", word)
		}
	}
	return found, nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(prefix) >= len("DS1") && len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
