package report

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// TestFingerprintsStay: lines that move in the files change no fingerprint, and
// other places they do change.
func TestFingerprintsStay(t *testing.T) {
	read := func(files *txtar.Archive) (fingerprints, sources []string) {
		p, snap := unpack(t, files)
		for _, r := range Build(Input{Plan: p, Snapshot: snap, Results: checks.Run(catalog.All, p, snap)}).Results {
			fingerprints = append(fingerprints, r.Fingerprints()...)
			for _, f := range r.Findings {
				sources = append(sources, f.Source)
			}
		}
		return fingerprints, sources
	}
	before, at := read(txtar.Parse(richFiles))
	moved := txtar.Parse(richFiles)
	for i := range moved.Files {
		moved.Files[i].Data = slices.Concat(bytes.Repeat([]byte("# a comment\n"), 7), moved.Files[i].Data)
	}
	after, movedTo := read(moved)
	if len(before) < 5 || slices.Equal(at, movedTo) {
		t.Fatalf("%d findings, and their lines did not move", len(before))
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("fingerprints (-before +after):\n%s", diff)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(before))); len(unique) != len(before) {
		t.Errorf("%d findings have %d fingerprints", len(before), len(unique))
	}
}

func TestFingerprints(t *testing.T) {
	object := Object{Kind: "Service", Namespace: "shop", Name: "web"}
	base := Finding{Object: object, Field: ".spec.ipFamilies", Family: ipfam.V6, Message: "has IPv4 only", Severity: severity.Warning}
	change := func(edit func(*Finding)) Finding {
		f := base
		edit(&f)
		return f
	}
	of := func(id string, findings ...Finding) []string {
		return Result{ID: id, Findings: findings}.Fingerprints()
	}
	plain := of("DS601", base)[0]
	for name, same := range map[string]Finding{
		"source":   change(func(f *Finding) { f.Source = "web.yaml:7" }),
		"severity": change(func(f *Finding) { f.Severity = severity.Error }),
		"fix":      change(func(f *Finding) { f.Fix = "another" }),
		"message":  change(func(f *Finding) { f.Message = "has no IPv6, as 3 others" }),
	} {
		if got := of("DS601", same)[0]; got != plain {
			t.Errorf("another %s: %s, want %s", name, got, plain)
		}
	}
	others := [][]string{of("DS602", base), of("DS601", change(func(f *Finding) { f.Object.Name = "api" }))}
	others = append(others,
		of("DS601", change(func(f *Finding) { f.Object.Namespace = "other" })),
		of("DS601", change(func(f *Finding) { f.Object.Kind = "Node" })),
		of("DS601", change(func(f *Finding) { f.Field = "" })),
		of("DS601", change(func(f *Finding) { f.Family = 0 })),
		of("DS601", change(func(f *Finding) { f.Object.Namespace, f.Object.Name = "sho", "pweb" })),
	)
	seen := []string{plain}
	for _, list := range others {
		if slices.Contains(seen, list[0]) {
			t.Errorf("two findings share %s", list[0])
		}
		seen = append(seen, list[0])
	}

	// Several of one field: by their messages, whatever is counted in them and in
	// whatever order they come; equal ones by their number.
	first := change(func(f *Finding) { f.Message = "pool lan has 3 addresses" })
	fewer := change(func(f *Finding) { f.Message = "pool lan has 2 addresses" })
	second := change(func(f *Finding) { f.Message = "pool wan has 3 addresses" })
	ab, ba := of("DS601", first, second), of("DS601", second, fewer)
	if ab[0] == ab[1] || ab[0] != ba[1] || ab[1] != ba[0] {
		t.Errorf("%v in one order, %v in the other", ab, ba)
	}
	if twice := of("DS601", first, first); twice[0] == twice[1] {
		t.Errorf("two equal findings are %v", twice)
	}
}
