package metallb

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"

// Latest is the newest release whose rules this package knows, and the one that
// an installation of unknown version is judged by.
var Latest = release.V(0, 16, 2)

// The releases at which a rule of this package changed.
var (
	// DualStack is the first release that gives a Service two addresses, both out
	// of one pool: internal/allocator/allocator.go.
	DualStack = release.V(0, 12)
	// CustomResources is the first release that reads IPAddressPools, and no longer
	// a ConfigMap; its chart refuses configInline.
	CustomResources = release.V(0, 13)
	// DropsAddressPools is the first release that does not read AddressPools, which
	// 0.13 reads beside IPAddressPools (#2252); there is no 0.14.0 and no 0.14.1.
	DropsAddressPools = release.V(0, 14, 2)
	// HonoursEdits is the first release that takes addresses back when an edit of
	// the pools no longer allows them; earlier ones keep the old pools in memory
	// until the controller restarts.
	HonoursEdits = release.V(0, 14, 2)
	// PreferOne is the first release that gives a PreferDualStack Service one
	// address when no pool has both (#2587), that adds a second address to one that
	// has one, and that reads annotations that begin with metallb.io/.
	PreferOne = release.V(0, 14, 9)
	// RefusesMixedRanges is the first release that is known to refuse a FROM-TO of
	// two families; up to 0.15.2 it is a range without an address.
	RefusesMixedRanges = release.V(0, 16, 2)
	// HonoursExcludedNodes is the first release whose speakers pass over nodes with
	// the label node.kubernetes.io/exclude-from-external-load-balancers (#2274).
	HonoursExcludedNodes = release.V(0, 14, 2)
	// OneFamilyPerSession is the first release whose BGP sessions carry the family that
	// they run over, and no other unless dualStackAddressFamily says so.
	OneFamilyPerSession = release.V(0, 15)
	// ServiceSelectors is the first release whose advertisements may be about some
	// Services only (#2917).
	ServiceSelectors = release.V(0, 16)

	refusesReversed = release.V(0, 11) // 0.9.6 takes a FROM-TO whose start is after its end
	listAnnotation  = release.V(0, 13)
	readsClass      = release.V(0, 13) // .spec.loadBalancerClass, and has --lb-class
	// assignsNil is the first release that tries to assign a family that the named
	// pool has not free, and then says that its configuration does not allow it.
	assignsNil = release.V(0, 15)
	// countsClusterIPs is the first release that gives a RequireDualStack Service
	// nothing unless it has two ClusterIPs.
	countsClusterIPs = release.V(0, 15)
	// seesEmptyPools is the first release that says of a named pool without a free
	// address that it has none, whatever the Service's families. 0.15.3 does not,
	// 0.16.1 does.
	seesEmptyPools  = release.V(0, 16)
	emptyMatchesAll = release.V(0, 15) // a serviceAllocation without any condition (#2714)
)
