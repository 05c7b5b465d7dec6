package snapshot

import (
	"os"
	"strings"
	"testing"
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
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder(Source{})
		parsed := parseFile("f.yaml", data)
		lines := 1 + strings.Count(string(data), "\n")
		for _, p := range parsed.problems {
			if p.Position.Line < 1 || p.Position.Line > lines+1 || p.Message == "" {
				t.Errorf("a problem in line %d of %d: %q", p.Position.Line, lines, p.Message)
			}
		}
		for _, o := range parsed.objects {
			b.add(o)
		}
		s := b.fromFiles()
		if n := len(s.Nodes) + len(s.Pods) + len(s.Services) + len(s.EndpointSlices); n > len(parsed.objects) {
			t.Errorf("%d facts of %d documents", n, len(parsed.objects))
		}
	})
}
