package snapshot

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// compareAddresses lets cmp look at ranges and addresses by their text.
var compareAddresses = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
}

func unstructuredOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var u unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return &u
}

func TestPolicyOf(t *testing.T) {
	var n networkingv1.NetworkPolicy
	if err := yaml.Unmarshal([]byte(`
metadata: {name: p, namespace: lab}
spec:
  podSelector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [a, b]}]}
  egress:
  - {}
  - to:
    - ipBlock: {cidr: 10.1.2.3/8, except: [10.0.0.0/16]}
    - podSelector: {}
    - namespaceSelector: {matchLabels: {team: a}}
    - {}
    ports: [{}, {port: http}, {protocol: UDP, port: 53, endPort: 54}, {port: 70000}]
`), &n); err != nil {
		t.Fatal(err)
	}
	want := Policy{
		Ref: Ref{"NetworkPolicy", "lab", "p"}, Subject: "app=web,tier in (a,b)", Egress: true, Ingress: true,
		EgressRules: []PolicyRule{
			{Field: ".spec.egress[0]", Any: true},
			{Field: ".spec.egress[1]", Unjudged: "to[3]: names nobody",
				Peers: []PolicyPeer{
					{Field: ".spec.egress[1].to[0]", CIDR: netip.MustParsePrefix("10.0.0.0/8"), Except: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
					{Field: ".spec.egress[1].to[1]", Pods: new(Selector(""))},
					{Field: ".spec.egress[1].to[2]", Pods: new(Selector("")), Namespaces: new(Selector("team=a"))},
				},
				Ports: []PolicyPort{{Protocol: "TCP"}, {Protocol: "TCP", Name: "http"},
					{Protocol: "UDP", Port: 53, EndPort: 54}, {Protocol: "TCP", Name: "70000"}}},
		},
	}
	if diff := cmp.Diff(want, PolicyOf(&n), compareAddresses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPolicyTypes(t *testing.T) {
	for text, want := range map[string][2]bool{ // ingress, egress
		`{}`:                                   {true, false},
		`{egress: [{}]}`:                       {true, true},
		`{policyTypes: [Egress]}`:              {false, true},
		`{policyTypes: [Ingress, Egress]}`:     {true, true},
		`{policyTypes: [Ingress], egress: []}`: {true, false},
	} {
		var spec networkingv1.NetworkPolicySpec
		if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
			t.Fatal(err)
		}
		p := PolicyOf(&networkingv1.NetworkPolicy{Spec: spec})
		if p.Ingress != want[0] || p.Egress != want[1] {
			t.Errorf("%s: ingress %t, egress %t", text, p.Ingress, p.Egress)
		}
	}
}

func TestPoliciesOf(t *testing.T) {
	u := unstructuredOf(t, `
kind: CiliumClusterwideNetworkPolicy
metadata: {name: p}
spec: {nodeSelector: {}, ingress: [{}]}
specs:
- endpointSelector:
    matchLabels: {"k8s:app": web, "k8s:io.kubernetes.pod.namespace": lab}
    matchExpressions: [{key: "reserved:host", operator: DoesNotExist}]
  egress:
  - {}
  - toEndpoints:
    - matchLabels: {app: db, io.cilium.k8s.policy.serviceaccount: db}
    - matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}]
    - matchLabels: {"k8s:io.cilium.k8s.namespace.labels.team": a}
    - matchLabels: {"reserved:host": ""}
    - matchLabels: {"container:x": z}
  - toPorts: [{ports: [{port: "80"}, {port: "443", protocol: tcp, endPort: 444}]}, {ports: [{port: http, protocol: ANY}], rules: {http: [{}]}}]
  - toCIDR: [192.0.2.1, "2001:db8::1/64"]
  - toCIDR: []
    toPorts: [{ports: [{port: "80"}]}]
  ingressDeny:
  - fromNodes: [{}]
  - fromEndpoints: [{}]
    fromRequires: [{matchLabels: {team: a}}]
- endpointSelector: {matchLabels: {"reserved:ingress": ""}}
  egress: [{}]
`)
	want := []Policy{{
		Ref: Ref{"CiliumClusterwideNetworkPolicy", "", "p"}, Clusterwide: true, Egress: true, Ingress: true,
		Subject: "app in (web)", SubjectNamespaces: new(Selector("kubernetes.io/metadata.name in (lab)")),
		EgressRules: []PolicyRule{
			{Field: ".specs[0].egress[0]"},
			{Field: ".specs[0].egress[1]", Unjudged: "toEndpoints[4]: selects by the label container:x", Peers: []PolicyPeer{
				{Field: ".specs[0].egress[1].toEndpoints[0]", Pods: new(Selector("app in (db),io.cilium.k8s.policy.serviceaccount in (db)"))},
				{Field: ".specs[0].egress[1].toEndpoints[1]", Pods: new(Selector("")), Namespaces: new(Selector("kubernetes.io/metadata.name"))},
				{Field: ".specs[0].egress[1].toEndpoints[2]", Pods: new(Selector("")), Namespaces: new(Selector("team in (a)"))},
				{Field: ".specs[0].egress[1].toEndpoints[3]", Entity: "host"},
			}},
			{Field: ".specs[0].egress[2]", Any: true, Proviso: "HTTP rules", Ports: []PolicyPort{{Name: "http"}}},
			{Field: ".specs[0].egress[2]", Any: true, Ports: []PolicyPort{{Port: 80}, {Protocol: "TCP", Port: 443, EndPort: 444}}},
			{Field: ".specs[0].egress[3]", Peers: []PolicyPeer{
				{Field: ".specs[0].egress[3].toCIDR[0]", CIDR: netip.MustParsePrefix("192.0.2.1/32")},
				{Field: ".specs[0].egress[3].toCIDR[1]", CIDR: netip.MustParsePrefix("2001:db8::/64")},
			}},
			{Field: ".specs[0].egress[4]"},
		},
		IngressDenies: []PolicyRule{
			{Field: ".specs[0].ingressDeny[0]",
				Peers: []PolicyPeer{{Field: ".specs[0].ingressDeny[0].fromNodes", Entity: "remote-node", Part: "fromNodes"}}},
			{Field: ".specs[0].ingressDeny[1]", Proviso: "the labels that are required",
				Peers: []PolicyPeer{{Field: ".specs[0].ingressDeny[1].fromEndpoints[0]", Pods: new(Selector(""))}}}},
	}}
	got, err := PoliciesOf(u)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compareAddresses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPoliciesRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{kind: Pod, metadata: {name: p}}`:                                                                                                  "not a policy of Cilium",
		`{kind: CiliumNetworkPolicy, spec: {egress: [{}]}}`:                                                                                 ".spec has neither endpointSelector nor nodeSelector",
		`{kind: CiliumNetworkPolicy, spec: {endpointSelector: 3}}`:                                                                          "cannot unmarshal number",
		`{kind: CiliumNetworkPolicy, specs: [{endpointSelector: {}, egress: [{toCIDR: [x]}]}]}`:                                             `.specs[0].egress[0].toCIDR[0]: "x" is no range`,
		`{kind: CiliumNetworkPolicy, spec: {endpointSelector: {}, egress: [{toCIDR: [10.0.0.0/8], toEntities: [world]}]}}`:                  "combines toCIDR and toEntities",
		`{kind: CiliumNetworkPolicy, spec: {endpointSelector: {}, ingressDeny: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.0.0.0]}]}]}}`: "fromCIDRSet[0]: except",
	} {
		policies, err := PoliciesOf(unstructuredOf(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || policies != nil {
			t.Errorf("%s: %v, %v; want %q", text, policies, err, want)
		}
	}
}

// TestNamespacedSubject: a policy's own namespace takes the place of another one that it
// names, unless it names it for labels of whatever source.
func TestNamespacedSubject(t *testing.T) {
	for key, want := range map[string]*Selector{
		"k8s:io.kubernetes.pod.namespace": nil,
		"io.kubernetes.pod.namespace":     new(Selector("kubernetes.io/metadata.name in (other)")),
	} {
		u := unstructuredOf(t, `{kind: CiliumNetworkPolicy, metadata: {name: p, namespace: lab},
			spec: {endpointSelector: {matchLabels: {"`+key+`": other}}, egress: [{}]}}`)
		policies, err := PoliciesOf(u)
		if err != nil || len(policies) != 1 {
			t.Fatalf("%s: %v, %v", key, policies, err)
		}
		if diff := cmp.Diff(want, policies[0].SubjectNamespaces); diff != "" || policies[0].Clusterwide {
			t.Errorf("%s: (-want +got)\n%s", key, diff)
		}
	}
}

func TestEnableDefaultDeny(t *testing.T) {
	for text, want := range map[string][2]bool{ // ingress, egress
		`egress: [{}]`: {false, true},
		`ingressDeny: [{}], enableDefaultDeny: {egress: true}`:                 {true, false},
		`egress: [{}], ingress: [{}], enableDefaultDeny: {egress: false}`:      {true, false},
		`egressDeny: [{}], enableDefaultDeny: {egress: false, ingress: false}`: {false, false},
	} {
		policies, err := PoliciesOf(unstructuredOf(t, `{kind: CiliumNetworkPolicy, spec: {endpointSelector: {}, `+text+`}}`))
		if err != nil || len(policies) != 1 || policies[0].Ingress != want[0] || policies[0].Egress != want[1] {
			t.Errorf("%s: %+v, %v", text, policies, err)
		}
	}
}

func TestEgressGatewayOf(t *testing.T) {
	u := unstructuredOf(t, `
kind: CiliumEgressGatewayPolicy
metadata: {name: out}
spec:
  selectors:
  - podSelector: {matchLabels: {app: web, io.kubernetes.pod.namespace: lab}}
  - namespaceSelector: {matchLabels: {team: a}}
    nodeSelector: {matchLabels: {zone: a}}
  - namespaceSelector: {}
  destinationCIDRs: [0.0.0.0/0, "::/0"]
  excludedCIDRs: [10.0.0.0/8]
  egressGateway: {nodeSelector: {matchLabels: {egress: "1"}}, egressIP: "2001:db8::7"}
`)
	want := EgressGateway{
		Ref: Ref{"CiliumEgressGatewayPolicy", "", "out"},
		Subjects: []GatewaySubject{
			{Pods: new(Selector("app in (web)")), Namespaces: new(Selector("kubernetes.io/metadata.name in (lab)"))},
			{Pods: new(Selector("")), Namespaces: new(Selector("team in (a)"))},
			{Pods: new(Selector(""))},
		},
		SourceNodes:  []Selector{"zone=a"},
		Destinations: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		Excluded:     []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Gateways:     []Gateway{{Nodes: "egress=1", EgressIP: netip.MustParseAddr("2001:db8::7")}},
	}
	got, err := EgressGatewayOf(u)
	if diff := cmp.Diff(want, got, compareAddresses); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	u.Object["spec"].(map[string]any)["egressGateways"] = []any{
		map[string]any{"nodeSelector": map[string]any{}, "interface": "eno1"},
		map[string]any{"nodeSelector": map[string]any{}},
	}
	if got, err = EgressGatewayOf(u); err != nil || len(got.Gateways) != 2 || got.Gateways[0].Interface != "eno1" {
		t.Errorf("the list does not take the place of the one gateway: %+v, %v", got.Gateways, err)
	}
}

func TestEgressGatewayRefused(t *testing.T) {
	for spec, want := range map[string]string{
		`{}`:                     ".spec.destinationCIDRs: missing",
		`{destinationCIDRs: []}`: ".spec.egressGateway: missing",
		`{selectors: [{}], destinationCIDRs: [], egressGateway: {}}`:                      "neither namespaceSelector nor podSelector",
		`{destinationCIDRs: [10.0.0.0], egressGateway: {}}`:                               `.spec.destinationCIDRs[0]: "10.0.0.0" is no range`,
		`{destinationCIDRs: [], egressGateway: {interface: eno1, egressIP: 192.0.2.1}}`:   "both interface and egressIP",
		`{destinationCIDRs: [], egressGateway: {egressIP: x}}`:                            `egressIP "x" is no address`,
		`{destinationCIDRs: [], egressGateway: {nodeSelector: {matchExpressions: [{}]}}}`: "label selector",
	} {
		_, err := EgressGatewayOf(unstructuredOf(t, `{kind: CiliumEgressGatewayPolicy, metadata: {name: out}, spec: `+spec+`}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

func TestIPMasqAgentOf(t *testing.T) {
	for _, tc := range []struct {
		name, config string
		want         []string
		linkLocal    ipfam.Pair[bool]
	}{
		{"empty is the built-in list", "", append(builtInNonMasquerade[:], "169.254.0.0/16", "fe80::/10"), ipfam.Pair[bool]{}},
		{"YAML", "nonMasqueradeCIDRs: [10.1.2.3/8, '2001:db8::/32', 10.0.0.0/8]\nmasqLinkLocal: true",
			[]string{"10.0.0.0/8", "2001:db8::/32", "fe80::/10"}, ipfam.Pair[bool]{V4: true}},
		{"JSON", `{"nonMasqueradeCIDRs":[],"masqLinkLocalIPv6":true,"resyncInterval":"60s"}`,
			[]string{"169.254.0.0/16"}, ipfam.Pair[bool]{V6: true}},
		{"a file without a list has an empty one", "# nothing", []string{"169.254.0.0/16", "fe80::/10"}, ipfam.Pair[bool]{}},
	} {
		c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "ip-masq-agent"}, Data: map[string]string{"config": tc.config}}
		want := IPMasqAgent{ConfigMap: Ref{"ConfigMap", "kube-system", "ip-masq-agent"}, LinkLocal: tc.linkLocal}
		for _, text := range tc.want {
			want.NonMasquerade = append(want.NonMasquerade, netip.MustParsePrefix(text))
		}
		got, err := IPMasqAgentOf(c)
		if diff := cmp.Diff(want, got, compareAddresses); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tc.name, err, diff)
		}
	}
	none, err := IPMasqAgentOf(nil)
	if err != nil || none.ConfigMap != (Ref{}) || ipfam.SetOfPrefixes(none.NonMasquerade).String() != "IPv4 and IPv6" || len(none.NonMasquerade) != 13 {
		t.Errorf("without a ConfigMap: %+v, %v", none, err)
	}
	for _, config := range []string{"nonMasqueradeCIDRs: [x]", "nonMasqueradeCIDRs: 3", "{", "nonMasqueradeCIDRs: [10.0.0.1]"} {
		if got, err := IPMasqAgentOf(&corev1.ConfigMap{Data: map[string]string{"config": config}}); err == nil || got.NonMasquerade != nil {
			t.Errorf("%s: %+v, want an error", config, got)
		}
	}
}

func TestSelector(t *testing.T) {
	set := map[string]string{"app": "web", "empty": ""}
	for selector, want := range map[Selector]bool{
		"": true, "app=web": true, "app in (a,web)": true, "app!=web": false, "!app": false, "tier": false, "empty=": true, "app=(": false, "a b": false,
	} {
		if got := selector.Matches(set); got != want {
			t.Errorf("%q: %t, want %t", selector, got, want)
		}
	}
	for _, s := range []metav1.LabelSelector{
		{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Is"}}},
		{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpIn}}},
		{MatchLabels: map[string]string{"a key": "x"}},
		{MatchLabels: map[string]string{"app": "a value"}},
	} {
		if got, err := SelectorOf(s); err == nil {
			t.Errorf("%v: %q, want an error", s, got)
		}
	}
}

// FuzzSelectorOf: the text of a selector selects what the selector does.
func FuzzSelectorOf(f *testing.F) {
	f.Add("app", "In", "web", "db", "app", "web")
	f.Add("app", "NotIn", "", "", "app", "")
	f.Add("example.org/app", "Exists", "", "", "x", "y")
	f.Add("a", "DoesNotExist", "", "", "a", "b")
	f.Add("in", "In", "in", "notin", "in", "in")
	f.Fuzz(func(t *testing.T, key, operator, first, second, label, value string) {
		s := metav1.LabelSelector{MatchLabels: map[string]string{label: value}}
		r := metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOperator(operator)}
		if first != "" || second != "" {
			r.Values = []string{first, second}
		}
		for _, s := range []metav1.LabelSelector{s, {MatchExpressions: []metav1.LabelSelectorRequirement{r}}} {
			got, err := SelectorOf(s)
			if err != nil {
				continue
			}
			selector, err := metav1.LabelSelectorAsSelector(&s)
			if err != nil {
				t.Fatalf("%v: %q, which is none: %v", s, got, err)
			}
			for _, set := range []map[string]string{nil, {label: value}, {key: first}, {key: second}, {key: value, label: first}} {
				if want := selector.Matches(labels.Set(set)); got.Matches(set) != want {
					t.Errorf("%q of %v matches %v: %t, want %t", got, s, set, !want, want)
				}
			}
		}
	})
}

// FuzzPoliciesOf: whatever an object holds, reading it ends without a panic, what is read
// can be asked, and a rule is for all ports only where it says so.
func FuzzPoliciesOf(f *testing.F) {
	for _, spec := range []string{
		`{}`, `null`, `{"endpointSelector":{},"egress":[{}]}`,
		`{"endpointSelector":{"matchLabels":{"k8s:app":"web"}},"egress":[{"toCIDR":["0.0.0.0/0","::1"]}]}`,
		`{"endpointSelector":{"matchExpressions":[{"key":"$host","operator":"Exists"}]},"ingress":[{"fromEntities":["world"]}]}`,
		`{"endpointSelector":{},"egress":[{"toPorts":[{"ports":[{"port":"53","protocol":"ANY"}],"rules":{"dns":[{}]}},{}]}]}`,
		`{"endpointSelector":{},"egressDeny":[{"toCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]},{"cidrGroupRef":"x"}]}]}`,
		`{"endpointSelector":{},"egress":[{"toFQDNs":[{}],"icmps":[{}]},{"toEndpoints":[{"matchLabels":{":":""}}]}]}`,
		`{"nodeSelector":{}}`, `{"endpointSelector":{},"enableDefaultDeny":{"egress":false},"egress":[{"authentication":{"mode":"required"}}]}`,
	} {
		f.Add([]byte(spec))
	}
	f.Fuzz(func(t *testing.T, spec []byte) {
		var value any
		if json.Unmarshal(spec, &value) != nil {
			return
		}
		for _, kind := range []string{ciliumPolicyKind, ciliumClusterwideKind} {
			u := &unstructured.Unstructured{Object: map[string]any{"kind": kind, "spec": value, "specs": []any{value}}}
			policies, err := PoliciesOf(u)
			if err != nil && policies != nil {
				t.Errorf("policies with the error %v", err)
			}
			for _, p := range policies {
				checkSelectors(t, p.Subject)
				for _, rules := range [][]PolicyRule{p.EgressRules, p.EgressDenies, p.IngressRules, p.IngressDenies} {
					checkRules(t, rules)
				}
			}
		}
	})
}

func checkRules(t *testing.T, rules []PolicyRule) {
	t.Helper()
	for _, r := range rules {
		if r.Field == "" || r.Any && len(r.Peers) > 0 || r.Any && len(r.Ports) == 0 {
			t.Errorf("a rule of Cilium: %+v", r)
		}
		for _, p := range r.Peers {
			kinds := 0
			for _, is := range []bool{p.CIDR.IsValid(), p.Pods != nil, p.Entity != ""} {
				if is {
					kinds++
				}
			}
			if p.Field == "" || kinds > 1 || p.CIDR != p.CIDR.Masked() {
				t.Errorf("a peer: %+v", p)
			}
			if p.Pods != nil {
				checkSelectors(t, *p.Pods)
			}
			if p.Namespaces != nil {
				checkSelectors(t, *p.Namespaces)
			}
		}
	}
}

func checkSelectors(t *testing.T, s Selector) {
	t.Helper()
	if _, err := labels.Parse(string(s)); err != nil {
		t.Errorf("the selector %q: %v", s, err)
	}
}

// FuzzIPMasqAgentOf: whatever the ConfigMap holds, there are ranges or there is an error.
func FuzzIPMasqAgentOf(f *testing.F) {
	for _, config := range []string{
		"", "nonMasqueradeCIDRs: [10.0.0.0/8]", `{"masqLinkLocal": true, "masqLinkLocalIPv6": true}`, "{", "null", "- 1", "a: &a [*a]",
		"nonMasqueradeCIDRs: ['::ffff:10.0.0.0/104', 'fe80::%eth0/64']",
	} {
		f.Add(config)
	}
	f.Fuzz(func(t *testing.T, config string) {
		agent, err := IPMasqAgentOf(&corev1.ConfigMap{Data: map[string]string{"config": config}})
		if err != nil && agent.NonMasquerade != nil {
			t.Errorf("ranges with the error %v", err)
		}
		for _, p := range agent.NonMasquerade {
			if !p.IsValid() || p != p.Masked() {
				t.Errorf("the range %s", p)
			}
		}
	})
}
