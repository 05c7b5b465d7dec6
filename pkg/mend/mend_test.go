package mend_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func service(name string) snapshot.Ref {
	return snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name}
}

func finding(level severity.Severity, object snapshot.Ref, fix string) checks.Finding {
	return checks.Finding{Severity: level, Object: object, Message: "is wrong", Fix: fix}
}

// results is findings by the IDs of their checks, and what follows from what.
func results(t *testing.T, byID map[string][]checks.Finding) []checks.Result {
	t.Helper()
	var list []checks.Result
	for _, id := range keys(byID) {
		c, ok := catalog.Find(id)
		if !ok {
			t.Fatalf("no check is %s", id)
		}
		list = append(list, checks.Result{Check: c, Status: checks.Failing, Findings: byID[id]})
	}
	checks.Follow(list, catalog.Causes)
	return list
}

func texts(steps []mend.Step) (list []string) {
	for _, s := range steps {
		list = append(list, s.Text)
	}
	return list
}

func helm(set string, restart ...string) string {
	return "helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set " + set + " --version 1.19.3 && kubectl rollout restart -n kube-system " + strings.Join(restart, " ")
}

// TestPlan: what follows from another finding has no step, nor has what does not count;
// what is alike is one step; and others depend on what comes first.
func TestPlan(t *testing.T) {
	suppressed := finding(severity.Error, service("old"), "do not do this")
	suppressed.Suppressed = &checks.Suppression{Reason: "it goes"}
	known := finding(severity.Error, service("known"), "nor this")
	known.Known = true
	annotate := func(name, value string) string {
		return "kubectl annotate service " + name + " -n shop --overwrite metallb.io/address-pool=" + value
	}
	for _, tc := range []struct {
		name     string
		findings map[string][]checks.Finding
		want     []string
	}{
		{"roots", map[string][]checks.Finding{
			"DS501": {finding(severity.Error, service("a"), "the pool")},
			"DS603": {finding(severity.Error, service("a"), "kubectl dualstack doctor --only DS501"), finding(severity.Error, service("b"), "b")},
			"DS604": {suppressed, known},
		}, []string{"the pool", "b"}},
		{"the worst first, then by ID", map[string][]checks.Finding{
			"DS101": {finding(severity.Info, service("a"), "the plan")},
			"DS301": {finding(severity.Warning, service("a"), "the node")},
			"DS401": {finding(severity.Error, service("a"), "the agent")},
			"DS302": {finding(severity.Warning, service("a"), "the block")},
		}, []string{"the agent", "the node", "the block", "the plan"}},
		{"what others depend on first", map[string][]checks.Finding{
			// Of DS603 at another object, so that it is no symptom here: the pool is mended before it.
			"DS501": {finding(severity.Info, service("a"), "the pool")},
			"DS603": {finding(severity.Error, service("b"), "the Service")},
		}, []string{"the pool", "the Service"}},
		{"one fix for several", map[string][]checks.Finding{
			"DS112": {finding(severity.Info, service("a"), "a prefix"), finding(severity.Info, service("b"), "a prefix")},
		}, []string{"a prefix"}},
		{"a fix that begins with another", map[string][]checks.Finding{
			"DS105": {finding(severity.Error, service("a"), "kubectl delete pod a -n shop")},
			"DS106": {finding(severity.Error, service("a"), "kubectl delete pod a -n shop\nkubectl delete pod b -n shop")},
		}, []string{"kubectl delete pod a -n shop\nkubectl delete pod b -n shop"}},
		{"two patches of one object", map[string][]checks.Finding{
			"DS514": {finding(severity.Error, service("a"), annotate("a", "lan"))},
			"DS601": {finding(severity.Warning, service("a"), checks.Patch(service("a"), `{"spec":{"ipFamilies":["IPv4","IPv6"]}}`))},
		}, []string{`kubectl patch service a -n shop --type merge -p '{"metadata":{"annotations":{"metallb.io/address-pool":"lan"}},"spec":{"ipFamilies":["IPv4","IPv6"]}}'`}},
		{"two patches that contradict", map[string][]checks.Finding{
			"DS505": {finding(severity.Error, service("a"), annotate("a", "lan"))},
			"DS514": {finding(severity.Error, service("a"), annotate("a", "dmz"))},
		}, []string{annotate("a", "lan"), annotate("a", "dmz")}},
		{"two upgrades of one release", map[string][]checks.Finding{
			"DS404": {finding(severity.Error, service("a"), helm("enableIPv6Masquerade=false", "ds/cilium"))},
			"DS406": {finding(severity.Error, service("a"), helm("ipv6NativeRoutingCIDR=fd00::/104", "ds/cilium", "deploy/cilium-operator"))},
		}, []string{"helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set enableIPv6Masquerade=false --set ipv6NativeRoutingCIDR=fd00::/104 --version 1.19.3 && kubectl rollout restart -n kube-system ds/cilium deploy/cilium-operator"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			steps := mend.Plan(results(t, tc.findings), &snapshot.Snapshot{})
			if diff := cmp.Diff(tc.want, texts(steps)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tc.name == "two patches that contradict" && (steps[1].Against != 1 || steps[1].Reversible()) {
				t.Errorf("against %d, reversible %t", steps[1].Against, steps[1].Reversible())
			}
		})
	}
}

// TestFollow: a step knows how many findings go with it.
func TestFollow(t *testing.T) {
	steps := mend.Plan(results(t, map[string][]checks.Finding{
		"DS501": {finding(severity.Error, service("a"), "the pool")},
		"DS603": {finding(severity.Error, service("a"), "x")},
		"DS604": {finding(severity.Error, service("a"), "y")},
	}), &snapshot.Snapshot{})
	if len(steps) != 1 || steps[0].Follow != 2 {
		t.Errorf("%d steps, the first for %d more findings; want 1 for 2", len(steps), steps[0].Follow)
	}
}

// cluster is Services, pools and advertisements that steps are judged by.
func cluster() *snapshot.Snapshot {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	plain := snapshot.Service{Ref: service("plain"), Policy: "SingleStack", Families: []ipfam.Family{ipfam.V4}, SourceRanges: []netip.Prefix{prefix("192.0.2.0/24")}}
	served := snapshot.Service{Ref: service("served"), Type: "LoadBalancer", Families: []ipfam.Family{ipfam.V4}, Ingress: []netip.Addr{addr("192.0.2.100")}}
	pool := func(name string, texts ...string) snapshot.Pool {
		p := snapshot.Pool{Ref: snapshot.Ref{Kind: "IPAddressPool", Namespace: "metallb-system", Name: name}, Pool: metallb.Pool{Name: name, Namespaces: []string{"ingress"}}}
		for _, text := range texts {
			p.Addresses = append(p.Addresses, metallb.ParseAddresses(text))
		}
		return p
	}
	ad := snapshot.Advertisement{Ref: snapshot.Ref{Kind: "L2Advertisement", Namespace: "metallb-system", Name: "lan"}, Pools: []string{"lan", "gone"}}
	return &snapshot.Snapshot{Facts: snapshot.Facts{
		Services: []snapshot.Service{plain, served},
		MetalLB:  snapshot.MetalLB{Pools: []snapshot.Pool{pool("lan", "192.0.2.100-192.0.2.119")}, Ads: []snapshot.Advertisement{ad}},
	}}
}

// TestReversible: what is not known to be harmless is not.
func TestReversible(t *testing.T) {
	patch := func(name, patch string) string { return checks.Patch(service(name), patch) }
	of := func(kind, name, patch string) string {
		return checks.Patch(snapshot.Ref{Kind: kind, Namespace: "metallb-system", Name: name}, patch)
	}
	apply := func(kind, name, spec string) string {
		return checks.Apply(fmt.Sprintf("apiVersion: metallb.io/v1beta1\nkind: %s\nmetadata: {name: %s, namespace: metallb-system}\nspec: %s\n", kind, name, spec))
	}
	for _, tc := range []struct {
		fix  string
		want bool
	}{
		{patch("plain", `{"spec":{"ipFamilies":["IPv4","IPv6"]}}`), true},
		{patch("plain", `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`), true},
		{patch("plain", `{"spec":{"ipFamilies":["IPv6","IPv4"]}}`), false}, // the first one cannot change
		{patch("plain", `{"spec":{"ipFamilyPolicy":"SingleStack"}}`), false},
		{patch("plain", `{"spec":{"clusterIP":null}}`), false},
		{patch("plain", `{"spec":{"type":"NodePort"}}`), false},
		{patch("plain", `{"metadata":{"ownerReferences":null}}`), false},
		{patch("plain", `{"spec":{"loadBalancerSourceRanges":["192.0.2.0/24","2001:db8::/32"]}}`), true},
		{patch("plain", `{"spec":{"loadBalancerSourceRanges":["2001:db8::/32"]}}`), false},
		{patch("unknown", `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`), false},
		{patch("served", `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`), false},
		{"kubectl annotate service served -n shop metallb.io/address-pool=lan", false},
		{"kubectl annotate service plain -n shop metallb.io/address-pool=lan", true},
		{"kubectl annotate service plain -n shop 'metallb.io/address-pool=<pool>'", false},
		{"kubectl label service served -n shop to=public", true},
		{"kubectl label node a node.kubernetes.io/exclude-from-external-load-balancers-", true},
		{checks.Patch(snapshot.Ref{Kind: "Node", Name: "a"}, `{"spec":{"podCIDRs":null}}`), false},
		{of("L2Advertisement", "lan", `{"spec":{"ipAddressPools":["lan"]}}`), true},
		{of("L2Advertisement", "lan", `{"spec":{"ipAddressPools":["gone"]}}`), false},
		{of("L2Advertisement", "lan", `{"spec":{"serviceSelectors":null}}`), true},
		{of("L2Advertisement", "lan", `{"spec":{"nodeSelectors":[]}}`), false},
		{of("IPAddressPool", "lan", `{"spec":{"serviceAllocation":{"namespaces":["ingress","shop"]}}}`), true},
		{of("IPAddressPool", "lan", `{"spec":{"serviceAllocation":{"namespaces":["shop"]}}}`), false},
		{of("IPAddressPool", "lan", `{"spec":{"addresses":["192.0.2.100-192.0.2.119","2001:db8:16::/112"]}}`), false},
		{apply("IPAddressPool", "new", `{addresses: ["2001:db8:16::/112"]}`), true},
		{apply("IPAddressPool", "lan", `{addresses: ["192.0.2.0/24", "2001:db8:16::/112"]}`), true},
		{apply("IPAddressPool", "lan", `{addresses: ["192.0.2.100-192.0.2.109"]}`), false},
		{apply("L2Advertisement", "new", `{ipAddressPools: [lan]}`), true},
		{apply("L2Advertisement", "lan", `{ipAddressPools: [dmz]}`), false},
		{apply("BGPPeer", "x", `{}`), false},
		{checks.Patch(snapshot.Ref{Kind: "ServiceCIDR", Name: "kubernetes"}, `{"spec":{"cidrs":["10.96.0.0/16","fd00:10:96::/112"]}}`), false},
		{"kubectl delete ipaddresspools.metallb.io lan -n metallb-system", false},
		{"kubectl rollout restart deployment/web -n shop", false},
		{helm("ipv6.enabled=true", "ds/cilium"), false},
		{"kubectl describe service web -n shop", false},
		{"on a: kubelet --node-ip=192.0.2.1,2001:db8::1, then restart kubelet", false},
	} {
		steps := mend.Plan(results(t, map[string][]checks.Finding{"DS101": {finding(severity.Error, service("x"), tc.fix)}}), cluster())
		if got := steps[0].Reversible(); got != tc.want {
			t.Errorf("reversible %t (%s), want %t:\n%s", got, steps[0].Keeps, tc.want, tc.fix)
		}
	}
}

// TestReversibleWantsAllRead: an object that could not be looked for may be there.
func TestReversibleWantsAllRead(t *testing.T) {
	snap := cluster()
	snap.Gaps = map[snapshot.Kind]snapshot.Gap{snapshot.MetalLBAds: {Kind: snapshot.MetalLBAds, Reason: snapshot.Forbidden}}
	fix := checks.Apply("apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: new, namespace: metallb-system}\n")
	steps := mend.Plan(results(t, map[string][]checks.Finding{"DS505": {finding(severity.Error, service("x"), fix)}}), snap)
	if steps[0].Reversible() {
		t.Error("is reversible")
	}
}

// TestEffects: what a step restarts and interrupts.
func TestEffects(t *testing.T) {
	for _, tc := range []struct{ fix, restarts, interrupts string }{
		{checks.Patch(service("plain"), `{"spec":{"ipFamilies":["IPv4","IPv6"]}}`), "", ""},
		{checks.Patch(service("served"), `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`), "", "clients from outside"},
		{checks.Patch(service("plain"), `{"spec":{"ipFamilyPolicy":"SingleStack"}}`), "", "clients of the Service's second family"},
		{"kubectl delete ipaddresspools.metallb.io lan -n metallb-system", "", "Services with an address that is in no pool any more"},
		{helm("ipv6.enabled=true", "ds/cilium", "deploy/cilium-operator"), "what the chart cilium/cilium has changed in; Cilium's agents; Cilium's operator", "no Pod is started"},
		{"kubectl rollout restart deployment/web -n shop", "the Pods of deployment/shop/web", ""},
		{"kubectl drain a --ignore-daemonsets --delete-emptydir-data && kubectl delete node a; then on it: systemctl restart kubelet", "the Pods of node a; the Pods of node/a; kubelet", "the Pods of node a"},
		{"on a, in the manifest of kube-apiserver (kubeadm: /etc/kubernetes/manifests/kube-apiserver.yaml): --service-cluster-ip-range=10.96.0.0/16", "kube-apiserver", ""},
	} {
		s := mend.Plan(results(t, map[string][]checks.Finding{"DS101": {finding(severity.Error, service("x"), tc.fix)}}), cluster())[0]
		if got := strings.Join(s.Restarts, "; "); got != tc.restarts {
			t.Errorf("restarts %q, want %q: %s", got, tc.restarts, tc.fix)
		}
		if got := strings.Join(s.Interrupts, "; "); !strings.Contains(got, tc.interrupts) || tc.interrupts == "" && got != "" {
			t.Errorf("interrupts %q, want %q: %s", got, tc.interrupts, tc.fix)
		}
	}
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestUndo: the inverse of a patch takes back what it set, and nothing else.
func TestUndo(t *testing.T) {
	before := `{"metadata":{"annotations":{"a":"1"},"labels":{"x":"y"}},"spec":{"ipFamilies":["IPv4"],"ipFamilyPolicy":"PreferDualStack","type":"ClusterIP"}}`
	for _, tc := range []struct{ fix, before, want string }{
		{"kubectl annotate service web -n shop --overwrite a=2 b=3", before, `kubectl patch service web -n shop --type merge -p '{"metadata":{"annotations":{"a":"1","b":null}}}'`},
		{"kubectl label service web -n shop x- z-", before, `kubectl patch service web -n shop --type merge -p '{"metadata":{"labels":{"x":"y"}}}'`},
		{"kubectl annotate service web -n shop b=3", `{"metadata":{},"spec":{}}`, `kubectl patch service web -n shop --type merge -p '{"metadata":{"annotations":{"b":null}}}'`},
		{checks.Patch(service("web"), `{"spec":{"ipFamilies":["IPv4","IPv6"]}}`), before, `kubectl patch service web -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack"}}'`},
		{checks.Patch(service("web"), `{"spec":{"loadBalancerIP":null}}`), before, ""},
		{checks.Apply("apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: lan, namespace: metallb-system}\nspec: {ipAddressPools: [lan]}\n"),
			`{"metadata":{"name":"lan"},"spec":{"ipAddressPools":["old"]}}`, `kubectl patch l2advertisement lan -n metallb-system --type merge -p '{"spec":{"ipAddressPools":["old"]}}'`},
		{checks.Apply("apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: lan, namespace: metallb-system}\n"), `null`, "kubectl delete l2advertisement lan -n metallb-system"},
	} {
		a := mend.Parse(tc.fix)[0]
		if got := a.Undo(object(t, tc.before)); got != tc.want {
			t.Errorf("%s\nundo: %s\nwant: %s", tc.fix, got, tc.want)
		}
	}
}

// TestParseProse: what looks like a command and is none is by hand, as a whole.
func TestParseProse(t *testing.T) {
	for _, fix := range []string{
		"kubectl get nodes, and delete those that are gone",
		"kubectl delete pods", // all of them
		"kubectl delete pod a --force",
		"kubectl patch service web -n shop -p '{}'",
		"kubectl patch service web -n shop --type merge -p 'no JSON'",
		"kubectl patch service web -n shop --type merge -p '{}",
		"kubectl apply -f - <<'EOF'\nkind: Service",
		"kubectl apply -f https://example.com/x.yaml",
		"helm upgrade cilium cilium/cilium -n kube-system --set a=b", // it would put all other values back
		"kubectl delete service $(cat x)",
		"rm -rf /",
		"# only a comment",
		"",
	} {
		if actions := mend.Parse(fix); len(actions) != 1 || actions[0].Verb != mend.ByHand || actions[0].Text != fix {
			t.Errorf("%q: %+v", fix, actions)
		}
	}
}

// TestParseQuotes: a name from anybody's file stays one word.
func TestParseQuotes(t *testing.T) {
	for _, name := range []string{"it's", "x; rm -rf ~", "a && b", "$(x)", "--all", `"q"`} {
		ref := snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name}
		actions := mend.Parse(checks.Patch(ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`))
		if name == "--all" { // kubectl would take it for a flag
			if actions[0].Verb != mend.ByHand {
				t.Errorf("%q: %+v", name, actions)
			}
			continue
		}
		if len(actions) != 1 || actions[0].Target.Name != name {
			t.Errorf("%q: %+v", name, actions)
		}
	}
	if got := mend.Blanks("a <x y> and <z>, 1 < 2 > 1, <x y>"); !slices.Equal(got, []string{"<x y>", "<z>"}) {
		t.Errorf("blanks: %q", got)
	}
}
