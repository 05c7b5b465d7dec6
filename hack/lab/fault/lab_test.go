package fault

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// recorder stands in for kubectl: it writes down what it was called with, and fails when
// that has the word in the file «fail».
const recorder = `#!/bin/sh
echo "$@" >>"$HOME/calls"
case " $* " in
*" $(cat "$HOME/fail") "*) echo no such thing >&2; exit 1 ;;
" get "*) cat "$HOME/objects" ;;
esac
`

const oneService = `{"items": [{"kind": "Service", "metadata": {"name": "web", "uid": "1", "managedFields": [{"manager": "helm"}]}, "spec": {"n": 12345678901234567890}}]}`

// recorded is a lab whose kubectl is the recorder, and a function that tells what was
// called since it was last asked.
func recorded(t *testing.T) (Lab, func() string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"kubectl": recorder, "fail": "nothing", "objects": oneService} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l := Lab{
		Dir: dir, Profile: build.ControlPlane, Kubectl: filepath.Join(dir, "kubectl"), Out: t.Output(),
		Exec: func(ctx context.Context, host string, args ...string) (*exec.Cmd, error) {
			return exec.CommandContext(ctx, "echo", append([]string{host}, args...)...), nil
		},
		Restart: func(context.Context, string, ...string) (int, error) { return 42, nil },
	}
	return l, func() string {
		calls, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(dir, "calls")) // it may not be there
		return strings.ReplaceAll(string(calls), dir, "")
	}
}

func (l Lab) set(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.Dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func parsed(t *testing.T, commands string) Script {
	t.Helper()
	s, err := Parse("example", "# Somebody did something.\n# profile: control-plane\n"+commands)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlantAndHeal(t *testing.T) {
	l, calls := recorded(t)
	s := parsed(t, `restart etcd --flag
probe '^laptop pid 42$' exec laptop pid $PID
kubectl delete service web
found DS101

restore service/lab/web
`)
	if err := l.Plant(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got, want := calls(), "get service --namespace=lab --field-selector=metadata.name=web --output=json --show-managed-fields\ndelete service web\n"; got != want {
		t.Errorf("planted:\n%swant\n%s", got, want)
	}
	if err := l.Plant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "example is planted") {
		t.Errorf("planted twice: %v", err)
	}
	saved, err := os.ReadFile(filepath.Join(l.Dir, "faults/example/before/service_lab_web.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"kind":"Service","metadata":{"managedFields":[{"manager":"helm"}],"name":"web"},"spec":{"n":12345678901234567890}}`; string(saved) != want {
		t.Errorf("put aside:\n%s\nwant\n%s", saved, want)
	}
	if err := l.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	const replace = "replace --validate=false --field-manager=lab --filename=/faults/example/before/service_lab_web"
	if got, want := calls(), replace+".marked.json\n"+replace+".json\n"; got != want {
		t.Errorf("healed:\n%swant\n%s", got, want)
	}
	if err := l.Heal(t.Context()); err == nil || !strings.Contains(err.Error(), "no fault is planted") {
		t.Errorf("healed twice: %v", err)
	}
}

// TestNothingToRestore: nothing is done when it could not be undone.
func TestNothingToRestore(t *testing.T) {
	l, calls := recorded(t)
	l.set(t, "objects", `{"items": []}`)
	s := parsed(t, "kubectl delete service web\nprobe . kubectl get\nfound DS101\n\nrestore service/web\n")
	if err := l.Plant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "0 objects of that name") {
		t.Errorf("planted: %v", err)
	}
	if planted, err := Planted(l.Dir); planted != "" || err != nil {
		t.Errorf("%s is planted, %v", planted, err)
	}
	if got := calls(); strings.Contains(got, "delete") {
		t.Errorf("called:\n%s", got)
	}
	if l.Profile = build.Plain; l.Plant(t.Context(), s) == nil {
		t.Error("planted in a lab of another profile")
	}
}

// TestHalfDone: what could be planted in part, or healed in part, still counts as
// planted.
func TestHalfDone(t *testing.T) {
	l, calls := recorded(t)
	l.set(t, "fail", "delete")
	s := parsed(t, "kubectl delete service web\nprobe . kubectl get\nfound DS101\n\nkubectl delete pod web\nkubectl create service\n! kubectl delete again\n")
	if err := l.Plant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("planted: %v", err)
	}
	_ = calls()
	if err := l.Heal(t.Context()); err == nil || strings.Count(err.Error(), "no such thing") != 1 {
		t.Errorf("healed: %v", err)
	}
	if got, want := calls(), "delete pod web\ncreate service\ndelete again\n"; got != want {
		t.Errorf("healed:\n%swant\n%s", got, want)
	}
	if planted, err := Planted(l.Dir); planted != "example" || err != nil {
		t.Errorf("%q is planted, %v", planted, err)
	}
	l.set(t, "fail", "again")
	if err := l.Heal(t.Context()); err != nil {
		t.Errorf("healed later: %v", err)
	}
}

// TestCatalogue reads the faults of the repository.
func TestCatalogue(t *testing.T) {
	all, err := Read(filepath.Join("..", "..", "..", "test", "e2e", "faults"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("%d faults, want 40 at least", len(all))
	}
	for _, s := range all {
		for _, step := range s.Heal {
			if step.command == "kubectl" && step.args[0] == "delete" && !strings.Contains(step.Text, "--ignore-not-found") {
				t.Errorf("%s cannot be healed twice: %s", s.Name, step.Text)
			}
		}
	}
}
