package snapshot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// TestInstallations: whatever installs Cilium's chart, its values are the same, and
// each has its field and its line.
func TestInstallations(t *testing.T) {
	const oci = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: cilium, namespace: kube-system}\nspec: {ref: {tag: 1.18.2}}\n---\n"
	for name, test := range map[string]struct {
		text  string
		ref   Ref
		field string // of enable-ipv6, on the line that ends in "#"
	}{
		"Flux": {
			text: "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chart: {spec: {chart: cilium, version: v1.18.2}}\n  values:\n    ipam: {mode: kubernetes}\n    ipv6:\n      enabled: true #\n",
			ref: Ref{"HelmRelease", "kube-system", "cilium"}, field: ".spec.values.ipv6.enabled",
		},
		"Flux, OCI": {
			text: oci + "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chartRef: {kind: OCIRepository, name: cilium}\n  values:\n    ipam: {mode: kubernetes}\n    ipv6:\n      enabled: true #\n",
			ref: Ref{"HelmRelease", "kube-system", "cilium"}, field: ".spec.values.ipv6.enabled",
		},
		"Argo CD, object": {
			text: "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: cilium, namespace: argocd}\nspec:\n" +
				"  destination: {namespace: kube-system}\n  source:\n    chart: cilium\n    targetRevision: 1.18.2\n    helm:\n" +
				"      values: \"ipv6: {enabled: false}\"\n      valuesObject:\n        ipam: {mode: kubernetes}\n        ipv6:\n          enabled: true #\n",
			ref: Ref{"Application", "argocd", "cilium"}, field: ".spec.source.helm.valuesObject.ipv6.enabled",
		},
		"Argo CD, parameters": {
			text: "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: cilium, namespace: argocd}\nspec:\n" +
				"  destination: {namespace: kube-system}\n  sources:\n  - ref: values\n  - chart: cilium\n    targetRevision: 1.18.2\n    helm:\n" +
				"      values: |\n        ipam: {mode: kubernetes}\n        ipv6: {enabled: false}\n      parameters:\n" +
				"      - name: ipv6.enabled\n        value: \"true\" #\n",
			ref: Ref{"Application", "argocd", "cilium"}, field: ".spec.sources[1].helm.parameters[0].value",
		},
		"HelmChart, text": {
			text: "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chart: cilium\n  version: 1.18.2\n  valuesContent: |-\n    # families\n    ipam: {mode: kubernetes}\n    ipv6:\n      enabled: true #\n",
			ref: Ref{"HelmChart", "kube-system", "cilium"}, field: ".spec.valuesContent.ipv6.enabled",
		},
		"HelmChart, set": {
			text: "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chart: https://example.org/charts/cilium\n  version: ~1.18.2\n  set:\n    ipam.mode: kubernetes\n    ipv6.enabled: true #\n",
			ref: Ref{"HelmChart", "kube-system", "cilium"}, field: ".spec.set.ipv6.enabled",
		},
		"HelmChart and HelmChartConfig": {
			text: "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chart: cilium\n  version: 1.18.2\n  valuesContent: \"ipam: {mode: kubernetes}\\nipv6: {enabled: false}\"\n---\n" +
				"apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  valuesContent: |\n    ipv6:\n      enabled: true #\n",
			ref: Ref{"HelmChartConfig", "kube-system", "cilium"}, field: ".spec.valuesContent.ipv6.enabled",
		},
		"HelmChartConfig first": {
			text: "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  valuesContent: |\n    ipv6:\n      enabled: true #\n---\n" +
				"apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: cilium, namespace: kube-system}\nspec:\n" +
				"  chart: cilium\n  version: 1.18.2\n  valuesContent: \"ipam: {mode: kubernetes}\\nipv6: {enabled: false}\"\n",
			ref: Ref{"HelmChartConfig", "kube-system", "cilium"}, field: ".spec.valuesContent.ipv6.enabled",
		},
		"the chart of RKE2": {
			text: "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: rke2-cilium, namespace: kube-system}\nspec:\n" +
				"  valuesContent: |\n    ipv6: {enabled: false} #\n---\ncluster-cidr: [10.42.0.0/16, \"fd00:42::/56\"]\n",
			ref: Ref{"HelmChartConfig", "kube-system", "rke2-cilium"}, field: ".spec.valuesContent.ipv6.enabled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := factsOf(t, "gitops.yaml", []byte(test.text))
			if len(s.Problems) > 0 {
				t.Fatal(s.Problems)
			}
			c := s.Cilium
			if c.ConfigRef != test.ref || c.Values.Ref != test.ref || !c.Values.Installed() {
				t.Errorf("the configuration is that of %s and %s", c.ConfigRef, c.Values.Ref)
			}
			if c.Config["enable-ipv6"] != "true" || c.Config["ipam"] != "kubernetes" {
				t.Errorf("enable-ipv6 %q, ipam %q", c.Config["enable-ipv6"], c.Config["ipam"])
			}
			if want := (release.Version{}); !strings.Contains(test.text, "18.2") && c.Version != want ||
				strings.Contains(test.text, "18.2") && (c.Version.Minor != 18 || strings.Contains(test.text, "~") == (c.Version.Patch == 2)) {
				t.Errorf("Cilium %s", c.Version)
			}
			line := 0
			for n, text := range strings.Split(test.text, "\n") {
				if strings.HasSuffix(text, " #") {
					line = n + 1
				}
			}
			if got := c.Values.Field("enable-ipv6"); got != test.field {
				t.Errorf("enable-ipv6 is in %s, want %s", got, test.field)
			}
			if got := s.Position(test.ref, test.field); got != (Position{"gitops.yaml", line}) {
				t.Errorf("%s is at %s, want line %d", test.field, got, line)
			}
		})
	}
}

// TestValuesElsewhere: of values that are in part elsewhere nothing is known, and
// of those that are all elsewhere there are none.
func TestValuesElsewhere(t *testing.T) {
	const text = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cilium}\nspec:\n" +
		"  chart: {spec: {chart: cilium, version: 1.18.2}}\n  valuesFrom: [{kind: ConfigMap, name: cilium-values}]\n"
	s := factsOf(t, "release.yaml", []byte(text+"  values: {ipv6: {enabled: true}}\n"))
	if g, ok := s.Gap(CiliumConfig); !ok || g.Reason != Unfilled || !strings.Contains(g.Detail, "release.yaml:6: helmrelease/cilium .spec.valuesFrom") {
		t.Errorf("gap %v", g)
	}
	s = factsOf(t, "release.yaml", []byte(text))
	if s.Cilium.Values.Ref != (Ref{}) || s.Cilium.Version != release.V(1, 18, 2) {
		t.Errorf("Cilium %s with the values of %s", s.Cilium.Version, s.Cilium.Values.Ref)
	}
}

// TestChartVersion: a version is known as far as it is unambiguous.
func TestChartVersion(t *testing.T) {
	for text, want := range map[string]release.Version{
		"1.18.2": release.V(1, 18, 2), "v1.18.2": release.V(1, 18, 2), "1.18": release.V(1, 18), " 1.18.2-rc.1 ": release.V(1, 18, 2),
		"1.18.x": release.V(1, 18), "1.18.*": release.V(1, 18), "~1.18.2": release.V(1, 18), "~1.18": release.V(1, 18),
		"": {}, "*": {}, "1.x": {}, "1": {}, "^1.18.2": {}, ">=1.18.0": {}, "1.17 - 1.18": {}, ">=1.18.0 <1.19.0": {}, "1.18.2 || 1.19.0": {},
		"${CILIUM_VERSION}": {}, "main": {}, "2.3.1": {}, // of another vendor's chart
	} {
		if got := (chartVersion{chart: "cilium", text: text}).version(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := fmt.Sprint((chartVersion{chart: "metallb", text: "0.15.2"}).version()); got != "0.15.2" {
		t.Errorf("metallb %s", got)
	}
}
