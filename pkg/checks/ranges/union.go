package ranges

import (
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

func rangesOf(list []stated) []plan.Range {
	ranges := make([]plan.Range, len(list))
	for i, s := range list {
		ranges[i] = s.Range
	}
	return ranges
}

// union is the addresses of all of rs.
func union(rs []plan.Range) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, r := range rs {
		b.AddRange(r.Addrs)
	}
	set, err := b.IPSet()
	if err != nil {
		return &netipx.IPSet{} // ranges are valid, so that there is no error
	}
	return set
}
