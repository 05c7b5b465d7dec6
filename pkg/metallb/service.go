package metallb

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Service is what MetalLB looks at in a Service.
type Service struct {
	Namespace string
	Name      string
	// Families is those of .spec.clusterIPs, in that order. MetalLB goes by the
	// addresses and not by .spec.ipFamilies: internal/ipfamily/ipfamily.go.
	Families  []ipfam.Family
	Policy    string       // .spec.ipFamilyPolicy
	Pool      string       // annotation address-pool
	Requested []netip.Addr // see Requested
	Current   []netip.Addr // .status.loadBalancer.ingress, in its order
	Sharing
}

// The policies of a Service that MetalLB looks for.
const (
	preferDual  = "PreferDualStack"
	requireDual = "RequireDualStack"
)

// Serves reports whether a MetalLB of version v with the flag --lb-class=lbClass, empty
// when not given, gives addresses to Services with the .spec.loadBalancerClass class,
// empty when not set. Early releases know of no classes and serve all.
// Source: metallb v0.16.2, internal/k8s/controllers/service_controller.go
// filterByLoadBalancerClass.
func Serves(class, lbClass string, v release.Version) bool {
	return class == lbClass || v.Or(Latest).Before(readsClass)
}

func (s Service) key() string { return s.Namespace + "/" + s.Name }

func (s Service) dual() bool { return ipfam.SetOf(s.Families...).Dual() }

// contentWithOne reports whether one address will do for a dual-stack Service.
func (s Service) contentWithOne(v release.Version) bool {
	return s.dual() && s.Policy == preferDual && v.From(PreferOne)
}
