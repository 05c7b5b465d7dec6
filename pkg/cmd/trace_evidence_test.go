package cmd

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// arbitrary fills v, most of it: what is left out of a file of evidence, or comes out of it
// changed, is then found.
func arbitrary(r *rand.Rand, v reflect.Value) {
	if v.Kind() != reflect.Struct && r.IntN(8) == 0 {
		return // the zero value has to come back as well
	}
	if value, ok := arbitraryValue(r, v.Type()); ok {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Tag.Get("json") != "-" {
				arbitrary(r, v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		arbitrary(r, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(2), 2))
		for i := range v.Len() {
			arbitrary(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			arbitrary(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		arbitrary(r, key)
		arbitrary(r, value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString([]string{"web", "a=b", "node-a", "true", "tunnel", "<&>\u2028"}[r.IntN(6)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.IntN(4)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(r.IntN(200)))
	default:
		panic("evidence has a " + v.Type().String())
	}
}

// arbitraryValue is some value of the types that are more than their fields.
func arbitraryValue(r *rand.Rand, t reflect.Type) (any, bool) {
	f := ipfam.All[r.IntN(2)]
	a := map[ipfam.Family]netip.Addr{ipfam.V4: netip.AddrFrom4([4]byte{10, 244, 0, byte(r.IntN(4))}), ipfam.V6: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", r.IntN(4)))}[f]
	switch t {
	case reflect.TypeFor[netip.Addr]():
		return a, true
	case reflect.TypeFor[netip.Prefix]():
		return netip.PrefixFrom(a, f.Bits()-r.IntN(16)), true // host bits and all
	case reflect.TypeFor[netip.AddrPort]():
		return netip.AddrPortFrom(a, uint16(r.IntN(9))), true
	case reflect.TypeFor[netipx.IPRange]():
		return netipx.IPRangeFrom(a, a.Next()), true
	case reflect.TypeFor[ipfam.Family]():
		return f, true
	case reflect.TypeFor[time.Time]():
		return time.Date(2026, 1, 1+r.IntN(9), 0, 0, r.IntN(60), r.IntN(1e9), time.UTC), true
	case reflect.TypeFor[release.Version]():
		v, err := release.Parse([]string{"v1.37.2", "1.20.0-rc.1"}[r.IntN(2)])
		if err != nil {
			panic(err)
		}
		return v, true
	}
	return nil, false
}

// TestEvidenceRoundTrip holds a trace from a file to that from the cluster.
func TestEvidenceRoundTrip(t *testing.T) {
	text, err := os.ReadFile("../../examples/homelab-today/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := plan.Parse("plan.yaml", text)
	if p == nil {
		t.Fatal(problems)
	}
	path := filepath.Join(t.TempDir(), "evidence.json")
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		scene, query := &snapshot.Scene{}, trace.Query{Require: trace.RequireBoth}
		var seen []trace.Observation
		arbitrary(r, reflect.ValueOf(scene).Elem())
		arbitrary(r, reflect.ValueOf(&seen).Elem())
		query.Target = arbitraryTarget(r, scene)
		before := newEvidence(scene, p, text, query, "of deployments/web")
		before.Seen = seen
		if err := before.save(path); err != nil {
			t.Fatal(err)
		}
		after, err := readEvidence(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2]any{
			"scene": {before.Scene, after.Scene}, "query": {before.Query, after.Query}, "seen": {before.Seen, after.Seen}, "trace": {before.trace(), after.trace()},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Fatalf("seed %d: %s (-saved +read):\n%s", seed, name, cmp.Diff(pair[0], pair[1], cmp.Exporter(func(reflect.Type) bool { return true }),
					cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netipx.IPRange) bool { return a == b })))
			}
		}
	}
}

// arbitraryTarget is a target that the scene may know of.
func arbitraryTarget(r *rand.Rand, s *snapshot.Scene) trace.Target {
	texts := []string{"internet", "example.com:80", "10.244.0.1,2001:db8::1", "198.51.100.7", "svc/a/b", "pod/a/b"}
	t, err := trace.ParseTarget(texts[r.IntN(len(texts))], "shop")
	if err != nil {
		panic(err)
	}
	switch {
	case t.Kind == trace.ToService && len(s.Services) > 0:
		t.Ref = s.Services[0].Ref
	case t.Kind == trace.ToPod && len(s.Peers) > 0:
		t.Ref = s.Peers[0].Ref
	}
	return t
}

func TestEvidenceIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.json")
	if err := os.WriteFile(path, []byte("of before"), 0o644); err != nil {
		t.Fatal(err)
	}
	const secret = "c0rrect-h0rse"
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: map[string]string{"a": secret}, Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{NodeName: "node-a", Containers: []corev1.Container{{
			Name: "nginx", Image: "example.com/nginx:1", Command: []string{secret}, Args: []string{"--password=" + secret}, WorkingDir: secret,
			Env: []corev1.EnvVar{{Name: "PASSWORD", Value: secret}}, EnvFrom: []corev1.EnvFromSource{{Prefix: secret}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Message: secret, PodIPs: []corev1.PodIP{{IP: "10.244.0.7"}}}, //nolint:forbidigo // the element of the plural field
	}
	pod.Spec.InitContainers = pod.Spec.Containers
	scene := &snapshot.Scene{Source: snapshot.WorkloadOf(pod), Peers: []snapshot.Workload{snapshot.WorkloadOf(pod)}}
	if err := newEvidence(scene, nil, nil, trace.Query{}, "").save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), secret) || !strings.Contains(string(data), "example.com/nginx:1") {
		t.Errorf("%s", data)
	}
	if is, err := os.Stat(path); err != nil || is.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", is.Mode(), err)
	}
	if err := newEvidence(scene, nil, nil, trace.Query{}, "").save(filepath.Join(path, "x")); err == nil || !strings.HasPrefix(err.Error(), "--save: open ") {
		t.Errorf("%v", err)
	}
}

func TestEvidenceRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.json")
	for text, want := range map[string]string{
		`{"apiVersion": "dualstack/v1alpha1", "kind": "TraceEvidence", "scene": {}, "further": 1}`:                                 `json: unknown field "further"`,
		`{"apiVersion": "dualstack/v1alpha1", "kind": "TraceEvidence", "scene": {"Source": {"Mesh": "x"}}}`:                        `json: unknown field "Mesh"`,
		`{"apiVersion": "dualstack/v2", "kind": "TraceEvidence", "scene": {}, "further": 1}`:                                       `is kind "TraceEvidence" of apiVersion "dualstack/v2": want TraceEvidence of dualstack/v1alpha1, as trace --save writes it`,
		`{"apiVersion": "v1", "kind": "Pod"}`:                                                                                      `is kind "Pod" of apiVersion "v1": want TraceEvidence of dualstack/v1alpha1, as trace --save writes it`,
		`{"apiVersion": "dualstack/v1alpha1", "kind": "TraceEvidence"}`:                                                            `has no scene`,
		`{"apiVersion": "dualstack/v1alpha1", "kind": "TraceEvidence", "scene": {"Source": {"IPs": ["300.1.1.1"]}}}`:               `ParseAddr("300.1.1.1")`,
		`{"apiVersion": "dualstack/v1alpha1", "kind": "TraceEvidence", "scene": {}, "plan": "kind: Pod", "planFile": "plan.yaml"}`: `its plan: `,
		`{`:          `is not what trace --save writes: unexpected end of JSON input`,
		`kind: Pod`:  `is not what trace --save writes: invalid character`,
		`{} trailer`: `is not what trace --save writes: invalid character 't' after top-level value`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEvidence(path, nil); err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}
