// Pins the releases whose CustomResourceDefinitions the tests install: Cilium's
// pkg/k8s/apis/cilium.io/client/crds and MetalLB's config/crd/bases. Nothing is built.
module github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/components/crds

go 1.26.0

require (
	github.com/cilium/cilium v1.20.2
	go.universe.tf/metallb v0.16.2
)
