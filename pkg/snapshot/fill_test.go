package snapshot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// manifestsOfTheTree is the manifests that the examples and the fixtures of the
// checks have, by file.
func manifestsOfTheTree(t *testing.T) map[string][]byte {
	t.Helper()
	manifests := map[string][]byte{}
	glob := func(pattern string, read func(path string, data []byte)) {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no file (%v)", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			read(path, data)
		}
	}
	glob("../../examples/*/*.yaml", func(path string, data []byte) { manifests[path] = data })
	glob("../checks/testdata/*.txtar", func(path string, data []byte) {
		for _, file := range txtar.Parse(data).Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				manifests[path+"/"+file.Name] = file.Data
			}
		}
	})
	return manifests
}

// TestFillAsTheAPIServer makes facts of every object of the tree twice, decoded
// from its nodes and decoded as the API server would, and wants the same.
func TestFillAsTheAPIServer(t *testing.T) {
	compared := 0
	for path, data := range manifestsOfTheTree(t) {
		ours, theirs := newBuilder(Source{}), newBuilder(Source{})
		for _, p := range split(data) {
			documents, problem := p.parse(path)
			if problem != nil {
				t.Fatal(problem)
			}
			for _, d := range documents {
				made, ok := types[group(d.apiVersion)+"/"+d.kind]
				if !ok || group(d.apiVersion) == "kubeadm.k8s.io" { // which no API server reads
					continue
				}
				value := made.make()
				text, err := yaml.YAMLToJSON(p.data)
				if err == nil {
					err = kjson.UnmarshalCaseSensitivePreserveInts(text, value)
				}
				if err != nil {
					t.Errorf("%s:%d: the API server would not read it: %v", path, d.line, err)
					continue
				}
				compared++
				theirs.add(object{value: value, adds: made.adds})
				for _, o := range d.decode() {
					o.origin = nil
					ours.add(o)
				}
			}
		}
		ours.finish()
		theirs.finish()
		if diff := cmp.Diff(theirs.snap.Facts, ours.snap.Facts, addresses); diff != "" {
			t.Errorf("%s: facts (-as the API server +from nodes):\n%s", path, diff)
		}
	}
	t.Logf("%d objects of %d manifests", compared, len(manifestsOfTheTree(t)))
	if compared < 500 {
		t.Errorf("%d objects were compared; the tree has more", compared)
	}
}
