package report

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/renumber"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// renumbered is the homelab's plan in another prefix, a file whose text is not to be
// trusted, and a Service of each fate.
func renumbered(t *testing.T) *RenumberReport {
	t.Helper()
	text, err := os.ReadFile("../../examples/homelab/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := plan.Parse("plan.yaml", text)
	if p == nil {
		t.Fatal(problems)
	}
	c, problems := renumber.Plan(p, text, netip.MustParsePrefix("2001:db8:beef:4400::/56"))
	if c == nil {
		t.Fatal(problems)
	}
	zone := "www\tAAAA 2001:db8:7653:216::80 ; \x1b[31mred\n; all of 2001:db8::/32\n"
	service := snapshot.Ref{Kind: "Service", Namespace: "lab", Name: "web"}
	addr := netip.MustParseAddr
	return BuildRenumber(RenumberInput{
		Change: c, Cluster: "a cluster",
		Files: []renumber.File{
			{Path: "plan.yaml", Was: string(text), Moving: c.Text},
			{Path: "zone", Was: zone, Moving: plan.Move(zone, c.From, c.To)},
		},
		Addresses: []renumber.Address{
			{Service: service, Field: ".spec.clusterIPs[1]", Was: addr("2001:db8:7653:299:cafe:1:0:9"), Is: addr("2001:db8:beef:4499:cafe:1:0:9"), Fate: renumber.Anew},
			{Service: service, Field: ".status.loadBalancer.ingress", Was: addr("192.168.16.100"), Fate: renumber.MayChange},
			{Service: service, Field: "metallb.io/loadBalancerIPs", Was: addr("2001:db8:7653:216::9"), Is: addr("2001:db8:beef:4416::9"), Fate: renumber.ByHand},
		},
		Steps: c.Steps(renumber.Setup{})[:3],
	})
}

func TestRenumberText(t *testing.T) {
	for name, style := range map[string]Style{"renumber-80": {Width: 80}, "renumber-160": {Width: 160}} {
		var got bytes.Buffer
		if err := renumbered(t).Write(&got, Table, style); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is not what it was:\n%s", name, got.String())
		}
		if strings.Contains(got.String(), "\x1b") {
			t.Error("the text of a file reaches the terminal as it is")
		}
	}
}

func TestRenumberSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/renumberreport.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := renumbered(t).Write(&text, JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	report := decode(t, text.String())
	if err := schema.Validate(report); err != nil {
		t.Error(err)
	}
	for field := range report.(map[string]any) {
		without := decode(t, text.String()).(map[string]any)
		delete(without, field)
		if schema.Validate(without) == nil {
			t.Errorf("the schema takes a report without %s", field)
		}
	}
}
