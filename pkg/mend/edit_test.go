package mend_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
)

// isWeb is the Service that the patches are for.
func isWeb(n *yaml.Node) bool {
	var o struct {
		Kind     string
		Metadata struct{ Name, Namespace string }
	}
	return n.Decode(&o) == nil && o.Kind == "Service" && o.Metadata.Name == "web" && o.Metadata.Namespace == "shop"
}

// TestMerge runs testdata/merge.txtar, each case with the line ends of either system,
// and without one at the end of the file.
func TestMerge(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/merge.txtar")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]map[string][]byte{}
	for _, f := range archive.Files {
		name, part, _ := strings.Cut(f.Name, "/")
		if cases[name] == nil {
			cases[name] = map[string][]byte{}
		}
		cases[name][part] = f.Data
	}
	crlf := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }
	open := func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) }
	for name, c := range cases {
		for ends, with := range map[string]func([]byte) []byte{"unix": func(b []byte) []byte { return b }, "windows": crlf, "open": open} {
			t.Run(name+" "+ends, func(t *testing.T) { testMerge(t, with(c["text"]), c["patch"], with(c["want"])) })
		}
	}
}

func testMerge(t *testing.T, text, patchText, want []byte) {
	var patch map[string]any
	if err := json.Unmarshal(patchText, &patch); err != nil {
		t.Fatal(err)
	}
	got, err := mend.Merge(text, isWeb, patch)
	if strings.TrimSpace(string(want)) == "refused" {
		if err == nil {
			t.Errorf("is not refused:\n%s", got)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := mend.Merge(got, isWeb, patch)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("a second time: %v\n%s", err, again)
	}
}

// FuzzMerge: whatever the text, it is refused, or the rest of it is as it was.
func FuzzMerge(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/merge.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, "/text") {
			f.Add(file.Data)
		}
	}
	patch := map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"a/b": "c"}},
		"spec":     map[string]any{"ipFamilies": []any{"IPv4", "IPv6"}, "loadBalancerIP": nil},
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := mend.Merge(text, isWeb, patch)
		if err != nil {
			return
		}
		again, err := mend.Merge(got, isWeb, patch)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("a second time: %v\n%q\n%q\n%q", err, text, got, again)
		}
	})
}
