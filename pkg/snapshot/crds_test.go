package snapshot

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// crd is a version of a custom resource, and the project that defines it.
type crd struct{ apiVersion, kind, plural, project string }

func (c crd) String() string { return c.apiVersion + " " + c.kind }

func (c crd) resource() schema.GroupVersionResource {
	return schema.FromAPIVersionAndKind(c.apiVersion, c.kind).GroupVersion().WithResource(c.plural)
}

// crdField is ".spec.addresses[].ip" and its type in the schema.
type crdField struct{ path, kind string }

// crdTable is what hack/crds found in the CustomResourceDefinitions of releases.
type crdTable struct {
	releases map[string][]string           // of each project, the oldest first
	fields   map[crd]map[string][]crdField // by the releases that serve them
}

func readCRDs(t *testing.T) crdTable {
	t.Helper()
	data, err := os.ReadFile("testdata/crds.txt")
	if err != nil {
		t.Fatal(err)
	}
	table := crdTable{map[string][]string{}, map[crd]map[string][]crdField{}}
	var fields map[string][]crdField // of the current block's resource
	var releases []string            // of the current block
	for line := range strings.Lines(string(data)) {
		switch words := strings.Fields(line); {
		case len(words) == 0 || words[0] == "#":
		case strings.HasPrefix(line, "  "):
			for _, r := range releases {
				fields[r] = append(fields[r], crdField{words[0], words[1]})
			}
		case len(words) == 3:
			table.releases[words[0]] = append(table.releases[words[0]], words[1])
		default:
			c := crd{words[0], words[1], words[2], words[4]}
			if table.fields[c] == nil {
				table.fields[c] = map[string][]crdField{}
			}
			fields, releases = table.fields[c], words[5:]
		}
	}
	return table
}

// serving is the releases that serve c, the oldest first.
func (t crdTable) serving(c crd) []string {
	return slices.DeleteFunc(slices.Clone(t.releases[c.project]), func(r string) bool { return t.fields[c][r] == nil })
}

// full is an object of c with a value for every text, number and boolean that the
// release knows.
func (t crdTable) full(c crd, release string) map[string]any {
	values := map[string]any{"string": "192.0.2.0/24", "integer": int64(1), "boolean": true}
	object := map[string]any{}
	for _, f := range t.fields[c][release] {
		if value, ok := values[f.kind]; ok {
			if strings.HasSuffix(f.path, ".peerAddress") {
				value = "192.0.2.1"
			}
			put(object, f.path, value)
		}
	}
	object["apiVersion"], object["kind"] = c.apiVersion, c.kind
	object["metadata"] = map[string]any{"name": "full", "namespace": "here"}
	return object
}

// put is in, or what takes its place, with value at path.
func put(in any, path string, value any) any {
	if path == "" {
		return value
	}
	if rest, ok := strings.CutPrefix(path, "[]"); ok {
		list, ok := in.([]any)
		if !ok {
			list = []any{nil}
		}
		return []any{put(list[0], rest, value)}
	}
	m, ok := in.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	name, rest := "free", strings.TrimPrefix(path, "{}")
	if rest == path {
		name, rest = path[1:], ""
		if i := strings.IndexAny(name, ".[{"); i >= 0 {
			name, rest = name[:i], name[i:]
		}
	}
	m[name] = put(m[name], rest, value)
	return m
}

// decodeAsBoth is the object as it is decoded from a file, which must be as it is
// decoded from an API server's answer.
func decodeAsBoth(t *testing.T, object map[string]any) any {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	documents, problem := split(text)[0].parse("full.json")
	if problem != nil {
		t.Fatal(problem)
	}
	file := documents[0].decode()[0]
	if file.value == nil {
		t.Fatalf("nothing reads it, or not as it is defined: %v", file.problems)
	}
	live := reflect.New(reflect.TypeOf(file.value).Elem()).Interface()
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, live); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live, file.value, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Fatalf("-live +file:\n%s", diff)
	}
	return file.value
}

// unset is the fields in v, which is at path, that have no value.
func unset(v reflect.Value, path string) (paths []string) {
	switch {
	case v.Kind() == reflect.Struct:
		for name, f := range structFields(v.Type(), nil) {
			if name != "metadata" { // which no definition describes
				paths = append(paths, unset(v.FieldByIndex(f.index), path+"."+name)...)
			}
		}
		return paths
	case v.IsZero():
		return []string{path}
	case v.Kind() == reflect.Pointer:
		return unset(v.Elem(), path)
	case v.Kind() == reflect.Slice:
		return unset(v.Index(0), path+"[]")
	}
	return nil
}

// lacks reports whether path or what it is in is among the fields that are unset.
func lacks(unset []string, path string) bool {
	return slices.ContainsFunc(unset, func(u string) bool {
		return path == u || strings.HasPrefix(path, u+".") || strings.HasPrefix(path, u+"[")
	})
}

// span says which of all has picks.
func span(all []string, has func(string) bool) string {
	picked := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !has(s) })
	if len(picked) == 0 {
		return "none"
	}
	first, last := picked[0], picked[len(picked)-1]
	from, to := slices.Index(all, first), slices.Index(all, last)
	switch {
	case to-from >= len(picked):
		return strings.Join(picked, " ")
	case len(picked) == len(all):
		return "all"
	case to == len(all)-1:
		return "from " + first
	case from == 0:
		return "until " + last
	}
	return first + " to " + last
}

// TestServedCRDs is which releases serve what is read; the table has it all, and
// the rights that are asked for are enough to list it.
func TestServedCRDs(t *testing.T) {
	want := map[string]string{
		"cilium.io/v2 CiliumNode":                     "all",
		"cilium.io/v2alpha1 CiliumNodeConfig":         "from 1.13.0",
		"cilium.io/v2 CiliumNodeConfig":               "from 1.16.0",
		"cilium.io/v2alpha1 CiliumLoadBalancerIPPool": "from 1.13.0",
		"cilium.io/v2 CiliumLoadBalancerIPPool":       "from 1.18.0",
		"cilium.io/v2 CiliumNetworkPolicy":            "all",
		"cilium.io/v2 CiliumClusterwideNetworkPolicy": "all",
		"cilium.io/v2 CiliumEgressGatewayPolicy":      "all",
		"metallb.io/v1alpha1 AddressPool":             "until 0.13.12",
		"metallb.io/v1beta1 AddressPool":              "until 0.13.12",
		"metallb.io/v1beta1 IPAddressPool":            "all",
		"metallb.io/v1beta1 L2Advertisement":          "all",
		"metallb.io/v1beta1 BGPAdvertisement":         "all",
		"metallb.io/v1beta1 BGPPeer":                  "all",
		"metallb.io/v1beta2 BGPPeer":                  "all",
	}
	table := readCRDs(t)
	got, kinds := map[string]string{}, map[string]bool{}
	for c, fields := range table.fields {
		got[c.String()] = span(table.releases[c.project], func(r string) bool { return fields[r] != nil })
		kinds[group(c.apiVersion)+"/"+c.kind] = true
		if !mayList(c) {
			t.Errorf("no kind of facts asks for the right to list %s", c.resource().GroupResource())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("releases that serve a resource (-want +got):\n%s", diff)
	}
	for name := range types {
		if g, _, _ := strings.Cut(name, "/"); (g == "cilium.io" || g == "metallb.io") && !kinds[name] {
			t.Errorf("%s is read, and in no release that the table has", name)
		}
	}
	for project, latest := range map[string]release.Version{"cilium": cilium.Latest, "metallb": metallb.Latest} {
		last := table.releases[project][len(table.releases[project])-1]
		if v, err := release.Parse(last); err != nil || v.Before(latest) {
			t.Errorf("%s %s is known, and the table ends with %s", project, latest, last)
		}
	}
}

// TestFieldsOfCRDs holds each field of the structs of custom resources to the
// definitions: it has there the name and the type that the struct says, in every
// release that serves the resource, or in those that are said here.
func TestFieldsOfCRDs(t *testing.T) {
	want := map[string]string{
		"cilium.io/v2 CiliumEgressGatewayPolicy .spec.egressGateways":           "from 1.18.0",
		"cilium.io/v2 CiliumEgressGatewayPolicy .spec.excludedCIDRs":            "from 1.14.0",
		"cilium.io/v2 CiliumEgressGatewayPolicy .spec.selectors[].nodeSelector": "from 1.17.0",
		"cilium.io/v2 policies .RULE.authentication":                            "from 1.14.0",
		"cilium.io/v2 policies .RULE.fromCIDRSet[].cidrGroupRef":                "from 1.14.0",
		"cilium.io/v2 policies .RULE.fromCIDRSet[].cidrGroupSelector":           "from 1.17.0",
		"cilium.io/v2 policies .RULE.fromGroups":                                "from 1.16.0",
		"cilium.io/v2 policies .RULE.fromNodes":                                 "from 1.16.0",
		"cilium.io/v2 policies .RULE.toCIDRSet[].cidrGroupRef":                  "from 1.14.0",
		"cilium.io/v2 policies .RULE.toCIDRSet[].cidrGroupSelector":             "from 1.17.0",
		"cilium.io/v2 policies .RULE.toNodes":                                   "from 1.16.0",
		"cilium.io/v2 policies .RULE.toPorts[].listener":                        "from 1.13.0",
		"cilium.io/v2 policies .RULE.toPorts[].ports[].endPort":                 "from 1.16.0",
		"cilium.io/v2 policies .RULE.toPorts[].serverNames":                     "from 1.13.0",
		"cilium.io/v2 policies .enableDefaultDeny.egress":                       "from 1.16.0",
		"cilium.io/v2 policies .enableDefaultDeny.ingress":                      "from 1.16.0",
		"cilium.io/v2 CiliumNode .spec.ipam.pools.allocated":                    "from 1.14.0",
		"cilium.io/v2 CiliumLoadBalancerIPPool .spec.cidrs":                     "none",
		"cilium.io/v2alpha1 CiliumLoadBalancerIPPool .spec.cidrs":               "until 1.15.19",
		"cilium.io/v2alpha1 CiliumLoadBalancerIPPool .spec.cidrs[].start":       "1.15.0 to 1.15.19",
		"cilium.io/v2alpha1 CiliumLoadBalancerIPPool .spec.cidrs[].stop":        "1.15.0 to 1.15.19",
		"cilium.io/v2alpha1 CiliumLoadBalancerIPPool .spec.blocks":              "from 1.15.0",
		"metallb.io/v1beta1 L2Advertisement .spec.serviceSelectors":             "from 0.16.2",
		"metallb.io/v1beta1 BGPAdvertisement .spec.serviceSelectors":            "from 0.16.2",
		"metallb.io/v1beta1 IPAddressPool .spec.avoidBuggyIPs":                  "from 0.13.4",
		"metallb.io/v1beta1 IPAddressPool .spec.serviceAllocation":              "from 0.13.9",
		"metallb.io/v1beta1 BGPPeer .spec.interface":                            "none",
		"metallb.io/v1beta1 BGPPeer .spec.dualStackAddressFamily":               "none",
		"metallb.io/v1beta2 BGPPeer .spec.interface":                            "from 0.15.2",
		"metallb.io/v1beta2 BGPPeer .spec.dualStackAddressFamily":               "from 0.15.2",
	}
	table, got := readCRDs(t), map[string]string{}
	for c := range table.fields {
		missing := map[string][]string{} // by release
		for _, r := range table.serving(c) {
			t.Run(c.String()+" "+r, func(t *testing.T) {
				missing[r] = unset(reflect.ValueOf(decodeAsBoth(t, table.full(c, r))).Elem(), "")
			})
		}
		for _, path := range slices.Concat(slices.Collect(maps.Values(missing))...) {
			if c.kind == ciliumPolicyKind || c.kind == ciliumClusterwideKind {
				one := onePolicyPath(path)
				has := span(table.serving(c), func(r string) bool {
					return slices.ContainsFunc(policyPaths(one), func(path string) bool { return !lacks(missing[r], path) })
				})
				if has != "all" {
					got["cilium.io/v2 policies "+one] = has
				}
				continue
			}
			got[c.String()+" "+path] = span(table.serving(c), func(r string) bool { return !lacks(missing[r], path) })
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields that are not in every release (-want +got):\n%s", diff)
	}
}

// The rules of Cilium's policies are one struct of ours in eight places of both kinds. A
// field is in a release when it is in one of the places.
var (
	policySpecs = []string{".spec.", ".specs[]."}
	policyRules = []string{"egress[]", "egressDeny[]", "ingress[]", "ingressDeny[]"}
)

// onePolicyPath is path without its place: ".RULE.toCIDR".
func onePolicyPath(path string) string {
	for _, spec := range policySpecs {
		path = strings.TrimPrefix(path, spec)
	}
	for _, rule := range policyRules {
		if rest, ok := strings.CutPrefix(path, rule); ok {
			return ".RULE" + rest
		}
	}
	return "." + path
}

// policyPaths is the places that onePolicyPath makes one of.
func policyPaths(one string) (paths []string) {
	for _, spec := range policySpecs {
		rest, isRule := strings.CutPrefix(one, ".RULE")
		if !isRule {
			paths = append(paths, spec+strings.TrimPrefix(one, "."))
			continue
		}
		for _, rule := range policyRules {
			paths = append(paths, spec+rule+rest)
		}
	}
	return paths
}

// TestCRDsLive reads a cluster of each release: what it serves is found, and once,
// at however many versions.
func TestCRDsLive(t *testing.T) {
	table := readCRDs(t)
	for project, releases := range table.releases {
		for _, r := range releases {
			s, want := newAPIServer(t, ""), map[string]int{}
			for c, fields := range table.fields {
				if c.project != project || fields[r] == nil {
					continue
				}
				s.objects[c.resource()] = append(s.objects[c.resource()], &unstructured.Unstructured{Object: table.full(c, r)})
				want[c.kind] = 1
			}
			snap := read(t, s, ClusterOptions{})
			if diff := cmp.Diff(want, customCounts(snap)); diff != "" {
				t.Errorf("%s %s: objects found (-want +got):\n%s", project, r, diff)
			}
			if len(snap.Problems) > 0 {
				t.Errorf("%s %s: %v", project, r, snap.Problems)
			}
		}
	}
}

// mayList reports whether the rights that are asked for are enough to list c.
func mayList(c crd) bool {
	for _, k := range AllKinds {
		for _, right := range k.Rights() {
			if right.Group == group(c.apiVersion) && right.Resource == c.plural && right.Verb == "list" && right.Namespace == "" {
				return true
			}
		}
	}
	return false
}

// customCounts is how many custom resources of each kind s knows.
func customCounts(s *Snapshot) map[string]int {
	counts := map[string]int{}
	for _, n := range s.CiliumNodes {
		counts[n.Kind]++
	}
	for _, ref := range s.Cilium.NodeConfigs {
		counts[ref.Kind]++
	}
	for _, p := range s.LBIPAMPools {
		counts[p.Kind]++
	}
	for _, p := range s.AllPolicies {
		counts[p.Kind]++
	}
	for _, g := range s.AllEgressGateways {
		counts[g.Kind]++
	}
	for _, p := range s.MetalLB.Pools {
		counts[p.Kind]++
	}
	for _, a := range s.MetalLB.Ads {
		counts[a.Kind]++
	}
	for _, p := range s.MetalLB.Peers {
		counts[p.Kind]++
	}
	return counts
}
