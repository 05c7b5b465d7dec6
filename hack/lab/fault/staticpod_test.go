package fault

import (
	"strings"
	"testing"
)

const manifest = `apiVersion: v1
kind: Pod
metadata:
  name: kube-controller-manager
spec:
  containers:
  - command:
    - kube-controller-manager
    - --cluster-cidr=10.244.0.0/16,2001:db8::/96
    - "--cluster-name=a: b"
    - --use-service-account-credentials
    image: registry.k8s.io/kube-controller-manager:v1.37.2
`

func TestWithFlags(t *testing.T) {
	for _, tc := range []struct {
		flags     []string
		old, want string
	}{
		{nil, "", ""},
		{[]string{"--cluster-cidr=10.244.0.0/16"}, "- --cluster-cidr=10.244.0.0/16,2001:db8::/96\n", "- \"--cluster-cidr=10.244.0.0/16\"\n"},
		{[]string{"--cluster-name=c"}, `"--cluster-name=a: b"`, `"--cluster-name=c"`},
		{[]string{"--use-service-account-credentials=false"}, "- --use-service-account-credentials\n", "- \"--use-service-account-credentials=false\"\n"},
		{[]string{"--cluster=1"}, "credentials\n", "credentials\n    - \"--cluster=1\"\n"},
	} {
		got, err := withFlags(manifest, tc.flags)
		if want := strings.Replace(manifest, tc.old, tc.want, 1); err != nil || got != want {
			t.Errorf("%q: %v\n%swant\n%s", tc.flags, err, got, want)
		}
	}
	if _, err := withFlags("kind: Pod\n", []string{"--a"}); err == nil {
		t.Error("a flag is added to a manifest without a command")
	}
}

func TestWithUID(t *testing.T) {
	got, err := withUID(manifest, "abc")
	if want := strings.Replace(manifest, "  name:", "  uid: \"abc\"\n  name:", 1); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
	if _, err := withUID("kind: Pod\n", "abc"); err == nil {
		t.Error("a UID is added to a manifest without metadata")
	}
}
