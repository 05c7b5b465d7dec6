package survey_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

// clusterMaker makes clusters whose sources sometimes agree.
type clusterMaker struct {
	*rand.Rand
	text strings.Builder
}

// oneOf prefers the first of a few values, so that sources mostly agree.
func (m *clusterMaker) oneOf(values ...string) string {
	if m.IntN(4) > 0 {
		return values[0]
	}
	return values[m.IntN(len(values))]
}

func (m *clusterMaker) chance() bool { return m.IntN(3) > 0 }

// pair is a range of each family, of one, or the other way round.
func (m *clusterMaker) pair(v4, v6 string) string {
	switch m.IntN(8) {
	case 0:
		return v4
	case 1:
		return v6
	case 2:
		return v6 + "," + v4
	}
	return v4 + "," + v6
}

func (m *clusterMaker) pods() string {
	return m.pair(m.oneOf("10.244.0.0/16", "10.0.0.0/8", "10.244.7.9/16"), m.oneOf("fd00:42::/56", "fd00:43::/56", "fd00:42::/104"))
}

func (m *clusterMaker) services() string {
	return m.pair(m.oneOf("10.96.0.0/16", "10.97.0.0/20"), m.oneOf("fd00:99::/112", "fd00:98::/108"))
}

func (m *clusterMaker) add(format string, args ...any) { fmt.Fprintf(&m.text, "---\n"+format, args...) }

// cluster is the text of a file.
func (m *clusterMaker) cluster() string {
	if m.chance() {
		m.add("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {podSubnet: %q, serviceSubnet: %q}\n", m.pods(), m.services())
	}
	for range m.IntN(3) {
		m.flagged("kube-apiserver", "--service-cluster-ip-range="+m.services())
	}
	for range m.IntN(3) {
		m.flagged("kube-controller-manager", "--cluster-cidr="+m.pods(), "--allocate-node-cidrs="+m.oneOf("true", "false"),
			"--node-cidr-mask-size-ipv4="+m.oneOf("24", "25", "12"), "--node-cidr-mask-size-ipv6="+m.oneOf("64", "112"))
	}
	if m.chance() {
		m.add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {ipam: %s, enable-ipv6: %q, enable-ipv6-masquerade: %q, cluster-pool-ipv4-cidr: %s, cluster-pool-ipv4-mask-size: %q, cluster-pool-ipv6-cidr: %q, ipv6-service-range: %q, ipv6-mcast-device: %q}\n",
			m.oneOf("cluster-pool", "kubernetes"), m.oneOf("true", "false"), m.oneOf("true", "false"), m.oneOf("10.244.0.0/16", "10.0.0.0/8", "10.244.0.0/16 10.245.0.0/16"),
			m.oneOf("24", "25"), m.oneOf("fd00:42::/56", "fd00::/104"), m.oneOf("fd00:99::/112", ""), m.oneOf("eno1", "", "eth+"))
	}
	for i := range m.IntN(4) {
		m.add("apiVersion: v1\nkind: Node\nmetadata: {name: n%d}\nspec: {podCIDRs: [%s]}\nstatus: {addresses: [{type: InternalIP, address: %s}]}\n",
			i, m.oneOf(fmt.Sprintf(`10.244.%d.0/24, "fd00:42:0:%[1]d::/64"`, i), fmt.Sprintf("10.9.%d.0/25", i)), m.oneOf("192.0.2.1", "2001:db8::1"))
	}
	for i := range m.IntN(3) {
		m.add("apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p%d, namespace: metallb-system}\nspec: {addresses: [192.0.2.%d/28, %q]}\n", i, 16*(i+1), m.oneOf("2001:db8::/120", "nonsense"))
	}
	for i := range m.IntN(3) {
		m.add("apiVersion: metallb.io/v1beta1\nkind: %s\nmetadata: {name: a%d, namespace: metallb-system}\nspec: {ipAddressPools: [%s]}\n", m.oneOf("L2Advertisement", "BGPAdvertisement"), i, m.oneOf("p0, p1", "p0", ""))
	}
	return m.text.String()
}

func (m *clusterMaker) flagged(name string, flags ...string) {
	quoted := `"` + strings.Join(flags, `", "`) + `"`
	m.add("apiVersion: v1\nkind: Pod\nmetadata: {name: %s-%d, namespace: kube-system, labels: {component: %[1]s}}\nspec:\n  containers:\n  - name: %[1]s\n    image: registry.k8s.io/%[1]s:v1.37.%[3]d\n    command: [%[1]s, %[4]s]\n",
		name, m.IntN(1000), m.IntN(8)/7, quoted)
}

// TestImportRandom: of clusters whose sources agree and do not, nothing is ever chosen
// silently, and what is imported without a conflict is what is there.
func TestImportRandom(t *testing.T) {
	agreed := 0
	for seed := range uint64(3000) {
		text := (&clusterMaker{Rand: rand.New(rand.NewPCG(seed, 6))}).cluster()
		snap, err := snapshot.FromFiles([]string{"-"}, snapshot.FileOptions{Stdin: strings.NewReader(text), Now: time.Unix(0, 0)})
		if err != nil {
			continue // a cluster of nothing
		}
		got := survey.FromSnapshot(snap, survey.Options{Name: "imported"})
		undecided(t, got, got.Text())
		for _, f := range ipfam.All {
			for use, is := range map[plan.Use]netip.Prefix{plan.Pods: got.Plan.Pods.Prefixes.Of(f), plan.Services: got.Plan.Services.Of(f)} {
				if values := said(snap, use, f); len(values) > 1 && is.IsValid() {
					t.Errorf("seed %d: %s of %s is %s, of %v", seed, use, f, is, values)
				} else if len(values) == 1 && is.IsValid() && !values[is] {
					t.Errorf("seed %d: %s of %s is %s, and not %v", seed, use, f, is, values)
				}
			}
		}
		d := survey.Against(got.Plan, snap)
		if len(got.Conflicts) == 0 {
			agreed++
			for _, one := range d.Differences {
				if !lacksFamily(one) {
					t.Errorf("seed %d: imported and different:\n%s\n%s", seed, told(d), text)
					break
				}
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if agreed < 50 {
		t.Errorf("the sources agree in %d clusters: too few to say anything", agreed)
	}
}

// said is every value that a source has for the ranges of use, by the snapshot alone.
func said(snap *snapshot.Snapshot, use plan.Use, f ipfam.Family) map[netip.Prefix]bool {
	values := map[netip.Prefix]bool{}
	idle := map[snapshot.Ref]bool{}
	for _, p := range snap.Programs(snapshot.ControllerManager) {
		idle[p.Ref] = !p.AllocatesNodeRanges()
	}
	for _, c := range snap.Claims(use) {
		if c.Blocks || use == plan.Pods && c.Source == snapshot.ControllerManager && idle[c.Ref] {
			continue
		}
		for _, p := range c.Of(f) {
			values[p.Masked()] = true
		}
	}
	return values
}

// lacksFamily reports whether a component only lacks a family that others have: an
// import takes what is said, and a diff names who says nothing.
func lacksFamily(d survey.Difference) bool {
	return d.Change == plan.Add || d.Field == "spec.families"
}
