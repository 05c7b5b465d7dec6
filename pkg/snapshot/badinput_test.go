package snapshot

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

const aNode = "apiVersion: v1\nkind: Node\nmetadata: {name: worker}\nspec:\n  podCIDRs:\n  - 10.244.0.0/24\n  - bad\n"

// TestEncodings: the same Node, however it was saved, has its fact, and its
// problem the same line.
func TestEncodings(t *testing.T) {
	units := utf16.Encode([]rune("\ufeff" + aNode))
	var little, big []byte
	for _, u := range units {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	for name, data := range map[string][]byte{
		"UTF-8":         []byte(aNode),
		"with a mark":   []byte("\xef\xbb\xbf" + aNode),
		"UTF-16 little": little,
		"UTF-16 big":    big,
		"CRLF":          []byte(strings.ReplaceAll(aNode, "\n", "\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			const path = `C:\clusters\home lab\nodes.yaml`
			s := factsOf(t, path, data)
			if len(s.Nodes) != 1 || len(s.Nodes[0].PodCIDRs) != 1 {
				t.Errorf("nodes: %v", s.Nodes)
			}
			const want = path + `:7: node/worker .spec.podCIDRs[1]: "bad" is not a prefix`
			if len(s.Problems) != 1 || s.Problems[0].String() != want {
				t.Errorf("problems: %v, want %s", s.Problems, want)
			}
		})
	}
}

// factsOf is the snapshot of one file with this name and content.
func factsOf(t *testing.T, name string, data []byte) *Snapshot {
	t.Helper()
	b := newBuilder(Source{})
	parsed := parseFile(name, data)
	b.snap.Problems = parsed.problems
	for _, o := range parsed.objects {
		b.add(o)
	}
	return b.fromFiles()
}

// TestHostile: what is meant to exhaust time, memory or the stack ends soon, with
// a problem that says what is wrong.
func TestHostile(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata:\n"
	laughs := "apiVersion: cilium.io/v2\nkind: CiliumNode\nmetadata: {name: worker}\nx0: &x0 [10.0.0.0/24, 10.0.1.0/24]\n"
	merges := "bpf: {}\nipv6: {}\nm0: &m0 {a: 1, b: 2}\n"
	for i := range 40 {
		laughs += fmt.Sprintf("x%d: &x%d [*x%d, *x%d]\n", i+1, i+1, i, i)
		merges += fmt.Sprintf("m%d: &m%d {p: {<<: *m%d}, q: {<<: *m%d}}\n", i+1, i+1, i, i)
	}
	for _, test := range []struct{ name, data, want string }{
		{"aliases of aliases", strings.Replace(laughs, "metadata", "q: &q 1\nmetadata", 1) + "spec: {ipam: {podCIDRs: *x40}}\n", "where text is wanted"},
		{"values of aliases", "bpf: {}\nipv6: {}\n" + laughs[strings.Index(laughs, "x0:"):], "its aliases stand for more than 100000 values"},
		{"merges of merges", merges, "its aliases stand for more than 100000 values"},
		{"an anchor in itself", "bpf: &a {b: *a}\nipv6: {}\n", `what the anchor "a" stands for contains itself`},
		{"a merge of itself", "bpf: &a {<<: *a}\nipv6: {}\n", "merges itself"},
		{"merges of itself", "bpf: &a {<<: [*a, *a, *a]}\nipv6: {}\n", "merges itself"},
		{"deep flow", head + "  a: " + strings.Repeat("[", 20_000), "not YAML"},
		{"deep mapping", "bpf: {}\nipv6: " + strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000), "nested more than 200 levels deep"},
		{"deep JSON", `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "a list where a mapping is wanted"},
		{"a megabyte of text", head + "  a: " + strings.Repeat("x", 1<<20) + "\n  b: 7\n", ".data.b: the number 7 where text is wanted"},
		{"a megabyte of the wrong type", "apiVersion: v1\nkind: Node\nmetadata: {name: worker}\nspec: " + strings.Repeat("x", 1<<20), `the text "` + strings.Repeat("x", 40) + `…" where a mapping is wanted`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			s := factsOf(t, "hostile.yaml", []byte(test.data))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; took > 20*time.Second || got > 1<<30 {
				t.Errorf("took %v and %d MiB", took, got>>20)
			}
			if len(s.Problems) == 0 || !strings.Contains(s.Problems[0].String(), test.want) {
				t.Errorf("problems: %.500v, want %q", s.Problems, test.want)
			}
		})
	}
}

// TestMerge: anchors and merge keys are read as they are meant, a key of its own
// wins.
func TestMerge(t *testing.T) {
	s := factsOf(t, "merge.yaml", []byte(`
apiVersion: v1
kind: List
base: &base {podCIDRs: &ranges [10.244.0.0/24], providerID: base}
items:
- apiVersion: v1
  kind: Node
  metadata: {name: a}
  spec: {<<: *base, providerID: own}
- apiVersion: v1
  kind: Node
  metadata: {name: b}
  spec: {podCIDRs: *ranges}
`))
	if len(s.Problems) > 0 || len(s.Nodes) != 2 {
		t.Fatalf("%d nodes, problems: %v", len(s.Nodes), s.Problems)
	}
	for _, n := range s.Nodes {
		if len(n.PodCIDRs) != 1 {
			t.Errorf("%s: %v", n.Ref, n.PodCIDRs)
		}
	}
	if got := s.Nodes[0].ProviderID; got != "own" {
		t.Errorf("the key that is merged won over the object's own: %q", got)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

const goodNode = "apiVersion: v1\nkind: Node\nmetadata: {name: worker}\n"

// TestPaths: files are found in folders, by themselves and on standard input; a
// path that cannot be read is a problem beside the others, and an error alone.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "cluster", "sub", "node.YAML")
	write(t, good, goodNode)
	write(t, filepath.Join(dir, "cluster", "notes.txt"), "no: manifest")
	write(t, filepath.Join(dir, "outside", "pod.yaml"), "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n")
	write(t, filepath.Join(dir, "blank", "a.yaml"), "# nothing\n")
	if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"cluster/out": "../outside", "cluster/pod.yaml": "../outside/pod.yaml", "cluster/loop": ".", "linked": "cluster"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		paths     []string // below dir
		nodes     int
		problems  []string
		wantError string
	}{
		{paths: []string{"cluster"}, nodes: 1},
		{paths: []string{"linked"}, nodes: 1},
		{paths: []string{"cluster", "cluster/sub/node.YAML", "cluster/sub/../sub"}, nodes: 1},
		{paths: []string{"-", "cluster/pod.yaml"}, nodes: 1},
		{paths: []string{"cluster", "missing", "empty"}, nodes: 1, problems: []string{
			"missing: cannot be read: no such file or directory", "empty: the folder has no .yaml, .yml or .json file"}},
		{paths: []string{"missing", "empty"}, wantError: "missing: cannot be read: no such file or directory\n" +
			"empty: the folder has no .yaml, .yml or .json file"},
		{paths: []string{"blank"}, wantError: "read blank: no document in it"},
		{paths: []string{os.DevNull, "cluster"}, nodes: 1, problems: []string{os.DevNull + ": cannot be read: not a regular file; a pipe is read as -f -"}},
	} {
		t.Run(strings.Join(test.paths, " "), func(t *testing.T) {
			var paths []string
			for _, path := range test.paths {
				if path != standardInput && !filepath.IsAbs(path) {
					path = filepath.Join(dir, path)
				}
				paths = append(paths, path)
			}
			s, err := FromFiles(paths, FileOptions{Stdin: strings.NewReader(goodNode)})
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
			}
			if got != test.wantError {
				t.Fatalf("error %q, want %q", got, test.wantError)
			}
			if err != nil {
				return
			}
			if len(s.Nodes) != test.nodes || s.Ignored["Pod"] != 0 {
				t.Errorf("nodes: %v", s.Nodes)
			}
			if len(s.Problems) != len(test.problems) {
				t.Fatalf("problems: %v, want %v", s.Problems, test.problems)
			}
			for i, p := range s.Problems {
				if got := strings.ReplaceAll(p.String(), dir+string(filepath.Separator), ""); got != test.problems[i] {
					t.Errorf("problem %q, want %q", got, test.problems[i])
				}
			}
		})
	}
}

// TestUnreadable: a file that may not be read, and a folder, are problems. What
// root may not read cannot be made, so a file that is gone when it is opened
// stands for it.
func TestUnreadable(t *testing.T) {
	p := unreadable("a.yaml", &fs.PathError{Op: "open", Path: "a.yaml", Err: fs.ErrPermission})
	if got := p.String(); got != "a.yaml: cannot be read: permission denied" {
		t.Error(got)
	}
	read := func(path string) (parsed parsedFile) {
		readFile(path, nil, func(p parsedFile) bool { parsed = p; return true })
		return parsed
	}
	parsed := read(filepath.Join(t.TempDir(), "gone.yaml"))
	if len(parsed.problems) != 1 || !strings.HasSuffix(parsed.problems[0].String(), "gone.yaml: cannot be read: no such file or directory") {
		t.Error(parsed.problems)
	}
	if parsed := read(standardInput); len(parsed.problems) != 1 {
		t.Errorf("without a standard input: %v", parsed.problems)
	}
}
