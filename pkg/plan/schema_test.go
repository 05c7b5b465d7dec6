package plan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

const schemaPath = "../../docs/schema/addressplan.schema.json"

func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// accepts reports what the schema says of a plan file.
func accepts(t *testing.T, schema *jsonschema.Schema, data string) error {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

func TestSchemaAcceptsPlans(t *testing.T) {
	schema := validator(t)
	plans := map[string]string{"homelab": homelab(t), "relative": relativeHomelab}
	paths, err := filepath.Glob("testdata/validate/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		plans[path] = string(archive.Files[0].Data)
	}
	for name, data := range plans {
		readPlan(t, data) // the two agree
		if err := accepts(t, schema, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong without a look at other fields is wrong by the schema too.
func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	schema := validator(t)
	for _, data := range []string{
		"kind: AddressPlan\nspec: {}\n",
		"apiVersion: v1\nkind: AddressPlan\nspec: {}\n",
		head,
		head + "spec: {pod: {}}\n",
		head + "spec: {pods: 10.0.0.0/8}\n",
		head + "spec: {pods: {ipv4: 2001:db8::/64}}\n",
		head + "spec: {pods: {ipv6: 10.0.0.0/8}}\n",
		head + "spec: {pods: {ipv4: 10.0.0.0/33}}\n",
		head + "spec: {pods: {ipv6: \"2001:db8::/129\"}}\n",
		head + "spec: {pods: {nodeMask: {ipv4: 33}}}\n",
		head + "spec: {pods: {nodeMask: {ipv6: \"64\"}}}\n",
		head + "spec: {families: []}\n",
		head + "spec: {families: [IPv4, IPv4]}\n",
		head + "spec: {families: [IPv5]}\n",
		head + "spec: {routed: [x]}\n",
		head + "spec: {lan: {reserved: 10.0.0.1-10.0.0.2}}\n",
		head + "spec: {lan: {reserved: [10.0.0.1]}}\n",
		head + "spec: {loadBalancers: [{name: a, addresses: []}]}\n",
		head + "spec: {loadBalancers: [{addresses: [10.0.0.0/24]}]}\n",
		head + "spec: {loadBalancers: [{name: a, announce: arp, addresses: [10.0.0.0/24]}]}\n",
		head + "spec: {egress: {ipv4: snat}}\n",
		head + "spec: {expect: {nodes: 0}}\n",
		head + "spec: {versions: {cilium: latest}}\n",
		head + "spec: {echo: \"\"}\n",
		head + "spec: {delegated: {ipv6: \"+::/56\"}}\n",
		head + "spec: {delegated: {ipv6: \"2001:db8::/56\"}, lan: {reserved: [\"2001:db8::1-+::9\"]}}\n",
	} {
		if p, _ := Parse("plan.yaml", []byte(data)); p != nil {
			t.Errorf("Parse takes %q", data)
		}
		if accepts(t, schema, data) == nil {
			t.Errorf("the schema takes %q", data)
		}
	}
}

// The fields of the parser and those of the schema are the same.
func TestSchemaHasEveryField(t *testing.T) {
	data, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	parser := formFields("", planForm)
	published := schemaFields(schema, "", schema)
	slices.Sort(parser)
	slices.Sort(published)
	if diff := cmp.Diff(parser, published); diff != "" {
		t.Errorf("(-parser +schema):\n%s", diff)
	}
}

func formFields(at string, fields form) []string {
	var names []string
	for _, f := range fields {
		name := join(at, f.name)
		required := ""
		if f.required {
			required = " required"
		}
		names = append(names, name+required)
		names = append(names, formFields(name, f.fields)...)
		names = append(names, formFields(name+"[]", f.items)...)
	}
	return names
}

func schemaFields(root map[string]any, at string, node map[string]any) []string {
	if ref, ok := node["$ref"].(string); ok {
		defs := root["$defs"].(map[string]any)
		return schemaFields(root, at, defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
	}
	var names []string
	required, _ := node["required"].([]any)
	properties, _ := node["properties"].(map[string]any)
	for name, property := range properties {
		field := join(at, name)
		if slices.Contains(required, any(name)) {
			names = append(names, field+" required")
		} else {
			names = append(names, field)
		}
		names = append(names, schemaFields(root, field, property.(map[string]any))...)
	}
	if items, ok := node["items"].(map[string]any); ok {
		names = append(names, schemaFields(root, at+"[]", items)...)
	}
	return names
}
