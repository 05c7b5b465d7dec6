package snapshot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// FuzzParseFile: whatever a file holds, reading it ends without a panic, every
// problem has a line of the file, and no facts come from a document twice.
func FuzzParseFile(f *testing.F) {
	cluster, err := os.ReadFile(clusterFile)
	if err != nil {
		f.Fatal(err)
	}
	for document := range strings.SplitSeq(string(cluster), "\n---\n") {
		f.Add([]byte(document))
	}
	for _, s := range []string{
		"", "---", "{", "[]", "a: &x [*x]", "a: &a {<<: *a}", "kind: List\nitems: [{}, 3, null]",
		"kind: Node\napiVersion: v1\nspec: {podCIDRs: 7}", "\xef\xbb\xbf{\"kind\":\t\"Pod\"}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubeadm-config}\ndata: {ClusterConfiguration: \"{{\"}",
		"apiVersion: v1\nkind: ConfigMap\ndata: {config: \"address-pools: 3\"}",
		"apiVersion: v1\nkind: Service\nspec: {ipFamilies: [IPv7], clusterIPs: [\"fe80::1%eth0\", \"::ffff:10.0.0.1\"]}",
		"configInline: {address-pools: {}}", "ipam: {operator: []}", "serverVersion: {gitVersion: []}",
		strings.Repeat("[", 400), "a: .nan\nkind: Node\napiVersion: v1",
		"{% if x %}\nkind: Node\n{% endif %}", "a: {{ b }}\n{{- c }}", "{#\n#}\n{{/*\n*/}}\na: b: {{ c }}", "a: \xfc",
	} {
		f.Add([]byte(s))
	}
	archives, err := filepath.Glob("testdata/files/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	wild, err := filepath.Glob("../../test/wild/testdata/*.txtar")
	if err != nil || len(wild) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	archives = append(archives, wild...)
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder(Source{})
		parsed := parseFile("f.yaml", data)
		b.snap.Problems = parsed.problems
		for _, o := range parsed.objects {
			b.add(o)
		}
		s := b.fromFiles()
		// YAML has more line breaks than \n; no line is shorter than its break.
		for _, p := range s.Problems {
			if p.Position.Line < 1 || p.Position.Line > len(data)+1 || p.Message == "" {
				t.Errorf("a problem in line %d of %d bytes: %q", p.Position.Line, len(data), p.Message)
			}
		}
		for ref := range s.origins {
			if at := s.Position(ref, ".spec"); at.Line < 1 || at.Line > len(data)+1 {
				t.Errorf("%s is in line %d of %d bytes", ref, at.Line, len(data))
			}
		}
		if n := len(s.Nodes) + len(s.Pods) + len(s.Services) + len(s.EndpointSlices); n > len(parsed.objects) {
			t.Errorf("%d facts of %d documents", n, len(parsed.objects))
		}
	})
}
