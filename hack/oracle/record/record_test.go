package record_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/record"
)

func example() record.Record {
	return record.Record{Digest: "abcd", Verdicts: []record.Verdicts{
		{Component: "kubeadm", Module: "k8s.io/kubernetes", Version: "v1.36.3", Lines: []string{"+-", "", "--"}},
		{Component: "kubeadm", Module: "k8s.io/kubernetes", Version: "v1.37.2", Lines: []string{"+-", "", "--"}},
		{Component: "metallb-parser", Module: "go.universe.tf/metallb", Version: "v0.16.2", Lines: []string{"+", "-", "+ 1a"}},
	}}
}

// What is written is read again; releases that say the same share a file, and files
// of an earlier record are gone.
func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kubeadm-00000000.gz"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := example().Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := record.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v; want one file of kubeadm and one of MetalLB", files, err)
	}
}

func TestReadNothing(t *testing.T) {
	if _, err := record.Read(os.DirFS(t.TempDir())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v; want fs.ErrNotExist", err)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.txt"), []byte("cases abcd\nkubeadm v1.37.2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Read(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v; want the second line in it", err)
	}
}

func TestDifferences(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*record.Record)
		want   []string
	}{
		"none":  {func(*record.Record) {}, nil},
		"cases": {func(r *record.Record) { r.Digest = "ef01" }, []string{"the record is about cases abcd, and these are ef01"}},
		"verdict": {
			func(r *record.Record) { r.Verdicts[1].Lines[2] = "-+" },
			[]string{`kubeadm v1.37.2: case 2: recorded "--", and now "-+"`},
		},
		"fewer":   {func(r *record.Record) { r.Verdicts[1].Lines = nil }, []string{"kubeadm v1.37.2: 3 lines recorded, and now 0"}},
		"release": {func(r *record.Record) { r.Verdicts[0].Version = "v1.38.0" }, []string{"kubeadm v1.38.0 is not in the record"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := example()
			test.change(&now)
			if diff := cmp.Diff(test.want, example().Differences(now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
