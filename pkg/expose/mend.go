package expose

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// offer is what MetalLB gives out of, and what is taken of it.
type offer struct {
	pools   []snapshot.Pool
	taken   metallb.Taken
	version release.Version
}

func (o offer) predict(s metallb.Service) metallb.Outcome {
	return metallb.Predict(s, checks.PlainPools(o.pools), o.taken, o.version)
}

// suffices reports whether the Service would get an address of each of its families for
// certain.
func (o offer) suffices(s metallb.Service) (metallb.Outcome, bool) {
	out := o.predict(s)
	return out, out.Why == "" && !out.Unsure && out.Families() == ipfam.SetOf(s.Families...)
}

// mend is the smallest change after which the Service gets an address of each of its
// families: first of what is asked for, then of a pool. It is empty when there is none
// as small.
func (o offer) mend(s metallb.Service) string {
	if len(s.Requested) > 0 {
		free := s
		if free.Requested = nil; s.Pool == "" || o.poolNamed(s.Pool) {
			if out, ok := o.suffices(free); ok {
				return fmt.Sprintf("ask for no address, or give --addresses %s", commas(out.Addrs))
			}
		}
	}
	for _, p := range o.pools {
		named := s
		named.Requested, named.Pool = nil, p.Ref.Name
		if _, ok := o.suffices(named); ok {
			return "give --pool " + p.Ref.Name
		}
	}
	return o.enlarge(s)
}

func (o offer) poolNamed(name string) bool {
	for _, p := range o.pools {
		if p.Ref.Name == name {
			return true
		}
	}
	return false
}

// enlarge is the command that gives a pool of both families a range more of the family
// that is used up: the one that is asked for, or the first that is open to the Service.
func (o offer) enlarge(s metallb.Service) string {
	for _, p := range o.pools {
		open, _ := p.OpenTo(s.Namespace, s.Pool, o.version)
		if s.Pool != "" && s.Pool != p.Ref.Name || !open || !p.Families().Dual() || p.ConfigMapEra {
			continue
		}
		for _, f := range s.Families {
			one := s
			one.Families, one.Policy, one.Requested, one.Pool = []ipfam.Family{f}, string(Single), nil, p.Ref.Name
			if _, ok := o.suffices(one); !ok {
				patch := fmt.Sprintf(`[{"op":"add","path":"/spec/addresses/-","value":"<a free range of %s>"}]`, f)
				return checks.Command("kubectl", "patch", "ipaddresspool", p.Ref.Name, "-n", p.Namespace, "--type", "json", "-p", patch)
			}
		}
	}
	return ""
}
