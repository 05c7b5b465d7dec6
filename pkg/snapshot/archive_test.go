package snapshot

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// entries is names and contents by turns.
type entries []string

func zipOf(t testing.TB, files entries) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, files entries) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: files[i], Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(files[i+1]))}
		if strings.HasSuffix(files[i], "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archived is the snapshot of an archive in a file of this name.
func archived(t *testing.T, name string, data []byte) (*Snapshot, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return FromFiles([]string{name}, FileOptions{})
}

// TestArchives: a Node is read from any archive as from its file, and its problem
// has the place inside; the name of the archive says nothing.
func TestArchives(t *testing.T) {
	inner := entries{"a/", "", "./a/nodes.yaml", aNode, "a/logs.txt", "not: [yaml", "a/._nodes.yaml", "\x00\x05\x16\x07"}
	for name, test := range map[string]struct {
		data []byte
		at   string
	}{
		"dump.zip":           {zipOf(t, inner), "dump.zip!a/nodes.yaml"},
		"dump.tar":           {tarOf(t, inner), "dump.tar!a/nodes.yaml"},
		"dump.tar.gz":        {gzipOf(t, tarOf(t, inner)), "dump.tar.gz!a/nodes.yaml"},
		"dump":               {gzipOf(t, tarOf(t, inner)), "dump!a/nodes.yaml"},
		"nodes.yaml":         {zipOf(t, inner), "nodes.yaml!a/nodes.yaml"},
		"nodes.yaml.gz":      {gzipOf(t, []byte(aNode)), "nodes.yaml.gz"},
		"zip in tar.tgz":     {gzipOf(t, tarOf(t, entries{"x/sysdump.zip", string(zipOf(t, inner))})), "zip in tar.tgz!x/sysdump.zip!a/nodes.yaml"},
		"tgz in zip.zip":     {zipOf(t, entries{"x.tgz", string(gzipOf(t, tarOf(t, inner)))}), "tgz in zip.zip!x.tgz!a/nodes.yaml"},
		"outside.tar":        {tarOf(t, entries{"../../etc/nodes.yaml", aNode}), "outside.tar!../../etc/nodes.yaml"},
		"backslashes.zip":    {zipOf(t, entries{`a\nodes.yaml`, aNode}), "backslashes.zip!a/nodes.yaml"},
		"a charts's own.zip": {zipOf(t, entries{"charts/x.tgz", "\x1f\x8b", "n.yml", aNode}), "a charts's own.zip!n.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := archived(t, name, test.data)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Nodes) != 1 || len(s.Nodes[0].PodCIDRs) != 1 {
				t.Errorf("nodes: %v", s.Nodes)
			}
			want := []string{test.at + `:7: node/worker .spec.podCIDRs[1]: "bad" is not a prefix`}
			if diff := cmp.Diff(want, texts(s.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if at := s.Position(s.Nodes[0].Ref, ".spec.podCIDRs"); at.File != test.at || at.Line != 5 {
				t.Errorf("the field is at %s", at)
			}
		})
	}
}

func texts(problems []Problem) []string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return texts
}

// TestArchiveOnStandardInput: an archive is known by its first bytes there too.
func TestArchiveOnStandardInput(t *testing.T) {
	s, err := FromFiles([]string{"-"}, FileOptions{Stdin: bytes.NewReader(gzipOf(t, tarOf(t, entries{"n.yaml", aNode})))})
	if err != nil || len(s.Nodes) != 1 || s.Position(s.Nodes[0].Ref, "").File != "standard input!n.yaml" {
		t.Errorf("%v, %v", s, err)
	}
}

// TestHostileArchives: an archive that is broken, locked, or meant to exhaust
// memory or time ends soon, with a problem that says why; what was read of it
// before stays.
func TestHostileArchives(t *testing.T) {
	node := entries{"n.yaml", aNode}
	nested := zipOf(t, node)
	for range maxNesting {
		nested = zipOf(t, entries{"again.zip", string(nested)})
	}
	bomb := strings.Repeat("x: y\n", maxFile/5)
	locked := zipOf(t, node)
	locked[6] |= 1 // of the file's own header
	central := bytes.Index(locked, []byte("PK\x01\x02"))
	locked[central+8] |= 1
	foreign := zipOf(t, node)
	central = bytes.Index(foreign, []byte("PK\x01\x02"))
	foreign[central+10], foreign[8] = 99, 99 // a method that nobody has
	half := gzipOf(t, tarOf(t, append(node, "m.yaml", strings.Replace(aNode, "worker", "other", 1)+"# "+noise(1<<20))))
	for _, test := range []struct {
		name  string
		data  []byte
		want  string
		nodes int
	}{
		{"cut off.tar.gz", half[:len(half)/2], "cannot be read: unexpected EOF", 1},
		{"no directory.zip", zipOf(t, node)[:60], "cannot be read: zip: not a valid zip file", 0},
		{"locked.zip", locked, "locked.zip!n.yaml: cannot be read: encrypted", 0},
		{"foreign.zip", foreign, "foreign.zip!n.yaml: cannot be read: zip: unsupported compression algorithm", 0},
		{"nested.zip", nested, "more than 4 archives inside each other", 0},
		{"bomb.zip", zipOf(t, append(node, "bomb.yaml", bomb)), "bomb.zip: cannot be read: expands to more than 74 MiB, as no archive of a cluster does", 1},
		{"bomb.gz", gzipOf(t, []byte(bomb)), "expands to more than", 0},
		{"bomb in tar.tgz", gzipOf(t, tarOf(t, append(node, "b.zip", string(zipOf(t, entries{"b.yaml", bomb}))))), "expands to more than", 1},
		{"empty.zip", zipOf(t, nil), "the archive has no .yaml, .yml or .json file", 0},
		{"only text.tar", tarOf(t, entries{"readme.txt", "hello"}), "the archive has no .yaml, .yml or .json file", 0},
		{"other.zst", []byte("\x28\xb5\x2f\xfd1234"), "other.zst: cannot be read: compressed in a format that is not read: zip, tar and gzip are", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			s, err := archived(t, test.name, test.data)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if test.nodes == 0 {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(texts(s.Problems), "\n"); len(s.Nodes) != test.nodes || !strings.Contains(all, test.want) {
				t.Errorf("%d nodes, problems %s, want %q", len(s.Nodes), all, test.want)
			}
		})
	}
}

// noise is text that does not compress.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%08x", x^x>>13)
	}
	return b.String()
}

// TestManyEntries: a list of files that never ends is left.
func TestManyEntries(t *testing.T) {
	u := &unpacker{name: "many.zip", yield: func(parsedFile) bool { return true }, entries: maxEntries}
	for range 2 {
		if u.entry() || !u.stopped {
			t.Error("goes on")
		}
	}
}

// TestPlanInAnArchive: a plan that stands in an archive brings its text along.
func TestPlanInAnArchive(t *testing.T) {
	const text = "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nmetadata: {name: x}\n"
	s, err := archived(t, "a.zip", zipOf(t, entries{"plan.yaml", text}))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := s.PlanText("a.zip!plan.yaml"); !ok || string(got) != text {
		t.Errorf("%q of %v", got, s.Plans())
	}
}

// FuzzArchive: whatever an archive holds, reading it ends without a panic, with
// something in it or with a problem that has words and the archive's name.
func FuzzArchive(f *testing.F) {
	files := entries{"a/nodes.yaml", aNode, "b.json", "{}", "c.zip", string(zipOf(f, entries{"d.yaml", aNode}))}
	for _, data := range [][]byte{
		zipOf(f, files), tarOf(f, files), gzipOf(f, tarOf(f, files)), gzipOf(f, []byte(aNode)), zipOf(f, nil),
		[]byte("PK\x05\x06"), []byte("\x1f\x8b"), []byte("BZh"),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if formOf(data[:min(len(data), headSize)]) == noArchive {
			return
		}
		yielded := 0
		unpack(filepath.Join("in", "fuzz"), bytes.NewReader(data), int64(len(data)), func(parsed parsedFile) bool {
			yielded++
			for _, p := range parsed.problems {
				if p.Message == "" || !strings.HasPrefix(p.Position.File, filepath.Join("in", "fuzz")) {
					t.Errorf("problem %v", p)
				}
			}
			return true
		})
		if yielded == 0 {
			t.Error("neither a file nor a problem")
		}
	})
}
