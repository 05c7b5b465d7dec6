package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// old and later define the same resource. In later a field goes, one comes, one
// changes its type, and a version is no longer served.
const (
	old = `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: example.org
  names: {kind: Pool, plural: pools}
  scope: Cluster
  versions:
  - name: v1alpha1
    served: true
    schema:
      openAPIV3Schema: {type: object, properties: {cidr: {type: string}}}
  - name: v1
    served: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          blocks:
            type: array
            items: {type: object, properties: {cidr: {type: string}}}
          free: {type: object, additionalProperties: {type: boolean}}
          gone: {type: string}
          size: {type: integer}
`
	later = `
spec:
  group: example.org
  names: {kind: Pool, plural: pools}
  versions:
  - name: v1alpha1
    served: false
    schema:
      openAPIV3Schema: {type: object, properties: {cidr: {type: string}}}
  - name: v1
    served: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          any: {x-kubernetes-preserve-unknown-fields: true}
          blocks:
            type: array
            items: {type: object, properties: {cidr: {type: string}}}
          free: {type: object, additionalProperties: {type: boolean}}
          size: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}
`
	tableOfBoth = head + `
example 1.0 h1:one
example 1.1 h1:two

example.org/v1 Pool pools in example 1.0 1.1
  .blocks array
  .blocks[] object
  .blocks[].cidr string
  .free object
  .free{} boolean

example.org/v1 Pool pools in example 1.0
  .gone string
  .size integer

example.org/v1 Pool pools in example 1.1
  .any any
  .size int-or-string

example.org/v1alpha1 Pool pools in example 1.0
  .cidr string
`
)

// unpack is the module of a release that has the definition.
func unpack(t *testing.T, sum, definition string) module {
	t.Helper()
	m := module{Dir: t.TempDir(), Sum: sum}
	if err := os.WriteFile(filepath.Join(m.Dir, "pools.yaml"), []byte(definition), 0o644); err != nil {
		t.Fatal(err)
	}
	return m
}

func example(t *testing.T, definitions ...string) ([]project, map[string]module) {
	t.Helper()
	p := project{name: "example", module: "example.org/m", definitions: []string{"*.yaml"}}
	modules := map[string]module{}
	for i, definition := range definitions {
		p.releases = append(p.releases, fmt.Sprintf("1.%d", i))
		modules[p.query(p.releases[i])] = unpack(t, []string{"h1:one", "h1:two"}[i], definition)
	}
	return []project{p}, modules
}

func TestRender(t *testing.T) {
	projects, modules := example(t, old, later)
	got, err := render(projects, modules)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tableOfBoth, string(got)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, test := range map[string]struct{ definition, want string }{
		"no schema":  {strings.ReplaceAll(old, "openAPIV3Schema", "schema"), "Pool v1alpha1 has no schema"},
		"no YAML":    {"spec: [", "did not find expected node content"},
		"a dot":      {strings.ReplaceAll(old, "gone:", "a.b:"), `cannot hold the name "a.b"`},
		"other type": {strings.ReplaceAll(old, "served: true", "served: 1"), "cannot unmarshal number"},
	} {
		t.Run(name, func(t *testing.T) {
			projects, modules := example(t, test.definition)
			if _, err := render(projects, modules); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestPins holds the releases to what the tests on a real API server install.
func TestPins(t *testing.T) {
	gomod, err := os.ReadFile("../lab/components/crds/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range projects {
		if pin := p.module + " v" + p.releases[len(p.releases)-1] + "\n"; !strings.Contains(string(gomod), pin) {
			t.Errorf("hack/lab/components/crds/go.mod does not pin %s", pin)
		}
	}
}

// TestTableIsOfTheseReleases is what of a stale table shows without the modules.
func TestTableIsOfTheseReleases(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", table))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, p := range projects {
		for _, release := range p.releases {
			want = append(want, p.name+" "+release)
		}
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 3 && strings.HasPrefix(words[2], "h1:") {
			got = append(got, words[0]+" "+words[1])
		}
	}
	if !slices.Equal(want, got) {
		t.Errorf("%s is of %v, and the releases are %v: make crds", table, got, want)
	}
}
