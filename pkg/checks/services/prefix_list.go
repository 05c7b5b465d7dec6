package services

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// prefixList is ps as the elements of a JSON list, with a gap for the missing family.
func prefixList(ps []netip.Prefix, missing ipfam.Family) string {
	var texts []string
	for _, p := range ps {
		texts = append(texts, fmt.Sprintf("%q", p))
	}
	return strings.Join(append(texts, fmt.Sprintf("\"<%s ranges of the same clients>\"", missing)), ",")
}
