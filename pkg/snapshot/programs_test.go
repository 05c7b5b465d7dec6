package snapshot

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramsOfKubeadm(t *testing.T) {
	facts := Facts{Kubeadm: []Kubeadm{{
		Ref:            kubeadmRef,
		PodSubnet:      []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00:10:244::/56")},
		Advertise:      netip.MustParseAddr("192.0.2.10"),
		ControllerArgs: Flags{"node-cidr-mask-size-ipv6": "64", "cluster-cidr": "10.0.0.0/12"},
	}}}

	api := facts.Programs(APIServer)[0]
	if diff := cmp.Diff(Flags{"service-cluster-ip-range": "10.96.0.0/12", "advertise-address": "192.0.2.10"}, api.Flags); diff != "" {
		t.Errorf("kube-apiserver (-want +got):\n%s", diff)
	}
	if got, want := api.Field("advertise-address"), ".localAPIEndpoint.advertiseAddress"; got != want {
		t.Errorf("advertise-address stands at %q, want %q", got, want)
	}

	manager := facts.Programs(ControllerManager)[0]
	want := Flags{"allocate-node-cidrs": "true", "cluster-cidr": "10.0.0.0/12",
		"service-cluster-ip-range": "10.96.0.0/12", "node-cidr-mask-size-ipv6": "64"}
	if diff := cmp.Diff(want, manager.Flags); diff != "" {
		t.Errorf("kube-controller-manager (-want +got):\n%s", diff)
	}
	for flag, field := range map[string]string{
		"cluster-cidr":             ".controllerManager.extraArgs.cluster-cidr",
		"service-cluster-ip-range": ".networking.serviceSubnet",
		"node-cidr-mask-size":      ".controllerManager.extraArgs",
	} {
		if got := manager.Field(flag); got != field {
			t.Errorf("%s stands at %q, want %q", flag, got, field)
		}
	}
}

func TestProgramsPrefersPods(t *testing.T) {
	facts := Facts{
		Kubeadm:      []Kubeadm{{Ref: kubeadmRef}},
		ControlPlane: []Component{{Ref: Ref{Kind: "Pod", Name: "a"}, Program: APIServer, Flags: Flags{"x": "1"}}},
	}
	got := facts.Programs(APIServer)
	if len(got) != 1 || got[0].Planned || got[0].Field("x") != "--x" {
		t.Errorf("with a Pod: %+v, want that Pod alone", got)
	}
	if got := facts.Programs(ControllerManager); len(got) != 1 || !got[0].Planned || got[0].AllocatesNodeRanges() {
		t.Errorf("without podSubnet: %+v, want kubeadm's, which allocates nothing", got)
	}
}
