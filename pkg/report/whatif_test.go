package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/migrate"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// supposed is a report of a change with a finding of each kind: new, gone and as before.
func supposed() *Report {
	check := &checks.Check{ID: "DS501", Name: "pool-holds-both-families", Severity: severity.Error, Doc: checks.Doc{Claim: "c", Why: "Why."}}
	finding := func(name string, s severity.Severity) checks.Finding {
		return checks.Finding{Severity: s, Object: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name}, Message: "is of one family", Fix: "fix it"}
	}
	before := []checks.Result{{Check: check, Status: checks.Failing, Findings: []checks.Finding{finding("old", severity.Error), finding("mended", severity.Error)}}}
	after := []checks.Result{{Check: check, Status: checks.Failing, Findings: []checks.Finding{finding("old", severity.Error), finding("fresh", severity.Warning)}}}
	snap := &snapshot.Snapshot{Source: snapshot.Source{Name: "dump", At: time.Unix(0, 0).UTC()}}
	return Build(Input{Snapshot: snap, Results: after, Supposed: &Supposition{
		Before:  snap,
		Applied: &snapshot.Applied{Paths: []string{"new.yaml"}, Changed: []snapshot.Ref{{Kind: "Service", Namespace: "shop", Name: "a\x1b[31m"}}, Unchanged: 2},
		Against: []Against{{Component: "Cilium", From: release.V(1, 18), To: release.V(1, 20, 2)}, {Component: "MetalLB", To: release.V(0, 16, 2)}}, Comparison: checks.Compare(before, after),
	}})
}

// TestWhatIf: what is new comes first, whatever its severity; what is gone and the
// counts are there in every form; text of files is escaped.
func TestWhatIf(t *testing.T) {
	r := supposed()
	if w := r.WhatIf; w.New != 1 || w.Gone != 1 || w.Same != 1 {
		t.Fatalf("%+v", w)
	}
	for _, f := range []Format{Table, Wide, Short} {
		text := print(t, r, f, Style{Width: 80})
		fresh, old := strings.Index(text, "fresh"), strings.Index(text, "service/shop/old")
		if fresh < 0 || old < fresh {
			t.Errorf("%s: what is new is not first:\n%s", f, text)
		}
		if !strings.Contains(text, "1 new, 1 gone, 1 as before") || strings.Contains(text, "\x1b") {
			t.Errorf("%s:\n%s", f, text)
		}
	}
	table := print(t, r, Table, Style{Width: 80})
	for _, want := range []string{"1 changed (service/shop/a", "2 already as in the files", "Cilium 1.20.2 instead of 1.18 (by way of 1.19: ask for each)", "DS501 (error) service/shop/mended: is of one family"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

// TestWhatIfSchema holds such a report to the published schema.
func TestWhatIfSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/doctorreport.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text := print(t, supposed(), JSON, Style{})
	if err := schema.Validate(decode(t, text)); err != nil {
		t.Error(err)
	}
	refused := decode(t, text).(map[string]any)
	refused["whatIf"].(map[string]any)["more"] = true
	if schema.Validate(refused) == nil {
		t.Error("the schema takes a field that it does not know")
	}
}

// TestMigration prints the path of a cluster, and holds it to the published schema.
func TestMigration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	manifest := "apiVersion: v1\nkind: Node\nmetadata: {name: \"node-1\\e[31m\"}\nspec: {podCIDRs: [10.244.0.0/24]}\n" +
		"status: {addresses: [{type: InternalIP, address: 192.0.2.11}]}\n"
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.FromFiles([]string{file}, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	path, err := migrate.ToDual(nil, snap)
	if err != nil {
		t.Fatal(err)
	}
	r := BuildMigration(MigrationInput{Snapshot: snap, Path: path})
	var table, wide, text strings.Builder
	for format, to := range map[Format]*strings.Builder{Table: &table, Wide: &wide, JSON: &text} {
		if err := r.Write(to, format, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(table.String(), "\x1b") || !strings.Contains(table.String(), "next") || !strings.Contains(table.String(), "steps to do") {
		t.Error(table.String())
	}
	if !strings.Contains(wide.String(), "source: kubernetes v1.37.2") || strings.Contains(table.String(), "source: ") {
		t.Error("the sources are in the wide form alone")
	}
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/migrationreport.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	report := decode(t, text.String()).(map[string]any)
	if err := schema.Validate(report); err != nil {
		t.Error(err)
	}
	for field := range report {
		without := decode(t, text.String()).(map[string]any)
		delete(without, field)
		if schema.Validate(without) == nil {
			t.Errorf("the schema takes a report without %s", field)
		}
	}
}
