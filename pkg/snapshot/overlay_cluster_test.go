package snapshot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// overCluster changes an object of each way in which a cluster is read: a typed list, a
// custom resource, a named ConfigMap; and adds one.
const overCluster = `
apiVersion: v1
kind: Service
metadata: {name: added, namespace: lab}
spec: {ipFamilyPolicy: PreferDualStack}
---
apiVersion: v1
kind: Node
metadata: {name: k8s-node-0, labels: {node-role.kubernetes.io/control-plane: ""}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-ipv6: "false"}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: added, namespace: metallb-system}
spec: {addresses: [192.0.2.0/28]}
`

// TestOverlaySourcesAgree lays files over a cluster and over its objects in files.
func TestOverlaySourcesAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files.yaml")
	if err := os.WriteFile(path, []byte(overCluster), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay := func() *Overlay {
		o, err := ReadOverlay([]string{path}, "default", FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	files, err := FromFiles([]string{clusterFile}, FileOptions{Overlay: overlay()})
	if err != nil {
		t.Fatal(err)
	}
	plain := read(t, newAPIServer(t, clusterFile), ClusterOptions{})
	live := read(t, newAPIServer(t, clusterFile), ClusterOptions{Overlay: overlay()})
	if diff := cmp.Diff(plain.Facts, live.Facts, addresses); diff != "" {
		t.Errorf("the cluster as it is, without and with an overlay:\n%s", diff)
	}
	fromFiles, _ := files.Applied()
	fromCluster, did := live.Applied()
	if diff := cmp.Diff(fromFiles.Facts, fromCluster.Facts, addresses); diff != "" {
		t.Errorf("with the files (-files +cluster):\n%s", diff)
	}
	if len(did.Added) != 2 || len(did.Changed) != 2 {
		t.Errorf("%+v", did)
	}
	if cmp.Equal(plain.Facts, fromCluster.Facts, addresses) || !fromCluster.Source.Live {
		t.Error("the files change nothing")
	}
	for k := range fromCluster.Gaps {
		if _, gap := plain.Gaps[k]; !gap {
			t.Errorf("a gap in %s that is not there without files", k)
		}
	}
}

// TestOverlayOfWhatIsForbidden: what could not be read is a gap with the files too, and
// what they add of it is known.
func TestOverlayOfWhatIsForbidden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files.yaml")
	if err := os.WriteFile(path, []byte(overCluster), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := ReadOverlay([]string{path}, "default", FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := newAPIServer(t, clusterFile)
	s.answer = forbid("services")
	snap := read(t, s, ClusterOptions{Overlay: overlay})
	if g := snap.Gaps[Services]; g.Reason != Forbidden || g.Partial {
		t.Errorf("as it is: %+v", g)
	}
	with, _ := snap.Applied()
	if g := with.Gaps[Services]; g.Reason != Forbidden || !g.Partial || len(with.Services) != 1 {
		t.Errorf("with the files: %+v, %d Services", g, len(with.Services))
	}
}
