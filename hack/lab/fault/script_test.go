package fault

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

const example = `# Somebody did something.
# profile: control-plane cilium
kubectl delete service web
[control-plane] put pod.yaml
probe '^$' kubectl get pods
! probe 'x y' exec laptop curl http://web
[cilium] found DS404 DS414
[!cilium] found DS404

restore service/web pod/kube-system/pod
! kubectl get nothing

-- pod.yaml --
kind: Pod
`

func TestParse(t *testing.T) {
	s, err := Parse("example", example)
	if err != nil {
		t.Fatal(err)
	}
	if s.Says != "Somebody did something." || len(s.Plant) != 6 || len(s.Heal) != 2 || s.Files["pod.yaml"] != "kind: Pod\n" {
		t.Errorf("%+v", s)
	}
	for profile, want := range map[build.Profile][]string{build.ControlPlane: {"DS404"}, build.Cilium: {"DS404", "DS414"}} {
		if got := s.Found(profile); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", profile, got, want)
		}
	}
	if got, want := s.Probes(build.Cilium), []string{"^$", "! x y"}; !slices.Equal(got, want) {
		t.Errorf("probes %q, want %q", got, want)
	}
}

// TestRefused breaks the example in one place after the other.
func TestRefused(t *testing.T) {
	for _, tc := range []struct{ old, broken, want string }{
		{"# profile: control-plane cilium\n", "", "what labs it is for"},
		{"cilium\nk", "kind\nk", `profile "kind"`},
		{"[cilium] found", "[plain] found", "[plain] is no profile of this script"},
		{"# profile:", "# profil:", "neither"},
		{"kubectl delete", "rm -r", `"rm" is no command`},
		{"put pod.yaml", "put node.yaml", "no such file"},
		{"put pod.yaml", "! put pod.yaml", "cannot be told to fail"},
		{"kind: Pod\n", "kind: Pod\n---\nkind: Node\n", "one object"},
		{"'^$'", "'('", "missing closing"},
		{"exec laptop curl", "curl", "probe with curl"},
		{"! probe 'x y'", "! probe 'x y", "not closed"},
		{"DS414", "414", "want the ID"},
		{"[!cilium] found DS404\n", "", "in control-plane no check finds it"},
		{"# profile", "# finds: probe-only\n# profile", "a check finds what only a probe is to show"},
		{"probe '^$' kubectl get pods\n! probe", "[cilium] probe", "in control-plane no probe shows it"},
		{"restore service/web", "restore web", "want KIND/NAME"},
		{"restore service/web pod/kube-system/pod\n! kubectl get nothing", "", "nothing heals it"},
		{"kubectl delete service web", "restart", "restart: want 1 words"},
	} {
		broken := strings.Replace(example, tc.old, tc.broken, 1)
		if broken == example {
			t.Fatalf("%q is not in the example", tc.old)
		}
		if _, err := Parse("example", broken); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q instead of %q: %v, want %q", tc.broken, tc.old, err, tc.want)
		}
	}
}
