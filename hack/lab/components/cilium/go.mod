// Builds Cilium's programs at a pinned version. GoBGP and the controllers of the MCS
// API are not served at the commits that Cilium asks for: a release of the one and a
// package of one constant for the other take their place. Do not tidy this module: it
// would look at what only other build tags need, and one of those is not served either.
module github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/components/cilium

go 1.26.0

require github.com/cilium/cilium v1.20.2

replace (
	github.com/osrg/gobgp/v4 => github.com/osrg/gobgp/v4 v4.8.0
	sigs.k8s.io/controller-tools => github.com/cilium/controller-tools v0.21.0-1
	sigs.k8s.io/mcs-api/controllers => ./mcsapi
)
