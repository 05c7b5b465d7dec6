package release

import (
	"encoding/json"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Version{
		"1.20":             V(1, 20),
		"v1.20.2":          V(1, 20, 2),
		"1.20.2-rc.1":      V(1, 20, 2),
		"v1.37.2+k3s1":     V(1, 37, 2),
		" v1.31.9+rke2r1 ": V(1, 31, 9),
		"0.16.2":           V(0, 16, 2),
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "latest", "1.x", "1.2.3.4", "v", "1.-2", "stable-1", "1.999999", "1..2"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", text, got)
		}
	}
}

func TestOfImage(t *testing.T) {
	for image, want := range map[string]Version{
		"quay.io/cilium/cilium:v1.20.2":                                   V(1, 20, 2),
		"quay.io/cilium/cilium:v1.20.2@sha256:0123":                       V(1, 20, 2),
		"registry.example:5000/metallb/controller:v0.16.2":                V(0, 16, 2),
		"registry.example:5000/metallb/controller":                        {}, // the port is no tag
		"quay.io/cilium/cilium@sha256:0123":                               {},
		"quay.io/cilium/cilium:latest":                                    {},
		"registry.k8s.io/kube-apiserver:v1.37.2":                          V(1, 37, 2),
		"registry.example:5000/mirror/quay.io/cilium/cilium-ci:v1.20.0-1": V(1, 20),
		"": {},
	} {
		if got := OfImage(image); got != want {
			t.Errorf("OfImage(%q) = %s, want %s", image, got, want)
		}
	}
}

// TestOrder holds the comparisons to one another on every pair of some versions,
// the unknown one among them, which is neither before nor after anything.
func TestOrder(t *testing.T) {
	ordered := []Version{V(0, 9), V(0, 12, 1), V(0, 16, 2), V(1, 9), V(1, 10), V(1, 10, 1), V(1, 20, 2), V(2, 0)}
	for i, v := range ordered {
		for j, w := range ordered {
			if v.Before(w) != (i < j) || v.From(w) != (i >= j) || (v.Compare(w) == 0) != (i == j) {
				t.Errorf("%s and %s: before %t, from %t, compare %d", v, w, v.Before(w), v.From(w), v.Compare(w))
			}
		}
		var unknown Version
		if unknown.Before(v) || unknown.From(v) || unknown.Or(v) != v || v.Or(unknown) != v {
			t.Errorf("the unknown version compares with %s", v)
		}
	}
}

func TestText(t *testing.T) {
	for _, v := range []Version{{}, V(1, 20), V(0, 16, 2)} {
		data, err := json.Marshal(v)
		var back Version
		if err != nil || json.Unmarshal(data, &back) != nil || back != v {
			t.Errorf("%s became %s in JSON and %s after it (%v)", v, data, back, err)
		}
	}
	var v Version
	if err := json.Unmarshal([]byte(`"latest"`), &v); err == nil {
		t.Error("«latest» was read as a version")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.20", "v1.37.2+k3s1", "", "1.2.3.4", "v-1.2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil || !v.Known() {
			return
		}
		if again, err := Parse(v.String()); err != nil || again != v {
			t.Errorf("%q is %s, which is %s again (%v)", s, v, again, err)
		}
	})
}
