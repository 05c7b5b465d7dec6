// Package wild holds doctor to what it says of files as people keep them: the
// shapes of public repositories, written anew with names and addresses of nobody.
package wild

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// TestWild runs all checks over the files of each fixture and compares with its
// section «want» what they find, what they cannot see, what is no sense at all and
// what is passed over. The comment of a fixture has its story, then why that is
// right after "Why: ", and may have lines "save FILE as FORM", where FORM is bom,
// crlf, tabs or windows-1252. What stands below the name of an archive, as in
// "dump.zip/nodes.yaml", is packed into it.
func TestWild(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d fixtures: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			fixture, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(fixture.Comment), "\nWhy: ") {
				t.Error("does not say why")
			}
			want := ""
			files := slices.DeleteFunc(slices.Clone(fixture.Files), func(f txtar.File) bool {
				if f.Name == "want" {
					want = string(f.Data)
				}
				return f.Name == "want"
			})
			t.Chdir(t.TempDir())
			got := diagnosis(write(t, string(fixture.Comment), files))
			if *update {
				rewrite(t, filepath.Join(root, path), fixture.Comment, append(files, txtar.File{Name: "want", Data: []byte(got)}))
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// root is where the fixtures are found from another folder.
var root, _ = os.Getwd()

func rewrite(t *testing.T, path string, comment []byte, files []txtar.File) {
	t.Helper()
	if err := os.WriteFile(path, txtar.Format(&txtar.Archive{Comment: comment, Files: files}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// write makes the files in the working folder and is what to name: the archives,
// and the folder when there are others.
func write(t *testing.T, comment string, files []txtar.File) []string {
	t.Helper()
	packed := map[string][]txtar.File{}
	loose := []string{}
	for _, f := range files {
		archive, inner, ok := inArchive(f.Name)
		if ok {
			packed[archive] = append(packed[archive], txtar.File{Name: inner, Data: f.Data})
			continue
		}
		loose = append(loose, f.Name)
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		data := f.Data
		for line := range strings.Lines(comment) {
			if form, ok := strings.CutPrefix(strings.TrimSpace(line), "save "+f.Name+" as "); ok {
				data = saved(data, form)
			}
		}
		if err := os.WriteFile(f.Name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := slices.Sorted(maps.Keys(packed))
	for _, name := range names {
		if err := os.WriteFile(name, pack(t, name, packed[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(loose) > 0 {
		names = append(names, ".")
	}
	return names
}

// inArchive cuts the name of an archive off that of a file.
func inArchive(name string) (archive, inner string, ok bool) {
	for _, ext := range []string{".zip", ".tar", ".tar.gz", ".tgz"} {
		if before, after, found := strings.Cut(name, ext+"/"); found {
			return before + ext, after, true
		}
	}
	return "", "", false
}

func saved(data []byte, form string) []byte {
	text := string(data)
	switch form {
	case "bom":
		text = "\ufeff" + text
	case "crlf":
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case "tabs":
		text = strings.ReplaceAll(text, "  ", "\t")
	case "windows-1252":
		return latin(text)
	}
	return []byte(text)
}

func latin(text string) (data []byte) {
	for _, r := range text {
		data = append(data, byte(r))
	}
	return data
}

func pack(t *testing.T, name string, files []txtar.File) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch {
	case strings.HasSuffix(name, ".zip"):
		err = packZip(&b, files)
	case strings.HasSuffix(name, ".tar"):
		err = packTar(&b, files)
	default:
		z := gzip.NewWriter(&b)
		if err = packTar(z, files); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packZip(w io.Writer, files []txtar.File) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		entry, err := z.Create(f.Name)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.Data); err != nil {
			return err
		}
	}
	return z.Close()
}

func packTar(w io.Writer, files []txtar.File) error {
	out := tar.NewWriter(w)
	for _, f := range files {
		if err := out.WriteHeader(&tar.Header{Name: f.Name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(f.Data))}); err != nil {
			return err
		}
		if _, err := out.Write(f.Data); err != nil {
			return err
		}
	}
	return out.Close()
}

// diagnosis is what doctor says of the files, one thing a line.
func diagnosis(paths []string) string {
	snap, err := snapshot.FromFiles(paths, snapshot.FileOptions{})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, use := range []plan.Use{plan.Pods, plan.Services, plan.LoadBalancers} {
		for _, c := range snap.Claims(use) {
			fmt.Fprintf(&b, "%s: %s says %s\n", use, c.Source, claim(c))
		}
	}
	if c := snap.Cilium; c.Present() {
		fmt.Fprintf(&b, "cilium %s: by %s, enable-ipv4 %s, enable-ipv6 %s, ipam %s\n",
			c.Version, c.ConfigRef, c.Config["enable-ipv4"], c.Config["enable-ipv6"], c.Config.IPAM())
	}
	if m := snap.MetalLB; m.Version.Known() || m.Class != "" {
		fmt.Fprintf(&b, "metallb %s: class %q\n", m.Version, m.Class)
	}
	for _, r := range checks.Run(catalog.All, nil, snap) {
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "%s: %s %s: %s %s: %s\n", f.Severity, r.Check.ID, snap.Position(f.Object, f.Field), f.Object, f.Field, f.Message)
		}
	}
	for _, g := range snap.SortedGaps() {
		if g.Reason != snapshot.NotInFiles {
			fmt.Fprintf(&b, "gap: %s\n", g)
		}
	}
	for _, p := range snap.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	for _, kind := range slices.Sorted(maps.Keys(snap.Ignored)) {
		fmt.Fprintf(&b, "passed over: %d %s\n", snap.Ignored[kind], kind)
	}
	return b.String()
}

func claim(c snapshot.Claim) string {
	var parts []string
	for _, p := range c.Prefixes {
		text := p.String()
		if mask := c.NodeMask.Of(ipfam.OfPrefix(p)); mask > 0 {
			text += fmt.Sprintf(" (nodes /%d)", mask)
		}
		parts = append(parts, text)
	}
	for _, r := range c.Ranges {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, ", ")
}
