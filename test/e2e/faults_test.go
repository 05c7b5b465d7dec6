//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// TestFaults plants the faults of the folder faults one after the other into a
// healthy control plane. Each is a script: its comment says what somebody did, then
// it plants that, shows without our code that it is so (probe), names the checks that
// find it (found), and heals it; after that doctor has to be silent again.
func TestFaults(t *testing.T) {
	lab := &faultLab{cluster: startMetalLB(t), healthy: map[string]*unstructured.Unstructured{}}
	lab.installCRDs("github.com/cilium/cilium")
	putToday(lab.cluster)
	for _, dir := range []string{repository("examples", "homelab-today"), repository("test", "e2e", "harmless")} {
		for _, u := range lab.read(dir) {
			lab.healthy[strings.ToLower(u.GetKind()+"/"+u.GetName())] = u
		}
	}
	lab.putAll(lab.read(repository("test", "e2e", "harmless")), func(*unstructured.Unstructured) string { return "e2e" })
	config, err := lab.client.Resource(configMapsOf).Namespace("kube-system").Get(t.Context(), "cilium-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lab.healthy["configmap/cilium-config"] = config
	lab.poolsTaken(1)
	lab.base = lab.findings()
	for _, f := range lab.base {
		if f.Severity != "info" {
			t.Errorf("healthy: %+v", f)
		}
	}
	t.Setenv("HOME", t.TempDir())
	testscript.RunT(oneByOne{t}, testscript.Params{
		Dir:                 repository("test", "e2e", "faults"),
		RequireExplicitExec: true,
		ContinueOnError:     true, // to the step that heals
		Setup:               lab.setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"kubectl": lab.kubectlCmd, "put": lab.putCmd, "restore": lab.restoreCmd, "restart": lab.restartCmd,
			"probe": lab.probeCmd, "found": lab.foundCmd,
		},
	})
	lab.table(t)
}

// patience is how long controllers may take.
const patience = 8 * time.Second

// oftenEnough is for writing an object that a controller writes at the same time.
var oftenEnough = wait.Backoff{Steps: 50, Duration: 20 * time.Millisecond}

// oneByOne runs scripts one after the other: they have one control plane.
type oneByOne struct{ *testing.T }

func (oneByOne) Parallel()     {}
func (oneByOne) Verbose() bool { return testing.Verbose() }
func (t oneByOne) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(oneByOne{t}) })
}

// faultLab is a healthy control plane, and what became of the faults planted in it.
type faultLab struct {
	*cluster
	healthy map[string]*unstructured.Unstructured // its objects, by kind/name
	base    []finding                             // what doctor says of it: nothing that matters
	rows    [][]string
	probes  []string // of the script that runs
	ids     []string
}

func (lab *faultLab) setup(env *testscript.Env) error {
	t := env.T().(oneByOne).T
	env.Values["t"] = t
	lab.probes, lab.ids = nil, nil
	env.Defer(func() {
		if len(lab.probes) == 0 || len(lab.ids) == 0 {
			t.Error("a fault needs a probe that shows it and a check that finds it")
		}
		if err := lab.at(t).expect(nil); err != nil {
			t.Errorf("healed: %v", err)
		}
		lab.rows = append(lab.rows, []string{filepath.Base(t.Name()), strings.Join(lab.ids, " "), strings.Join(lab.probes, "; ")})
	})
	return nil
}

// at is the lab for one script.
func (lab *faultLab) at(t *testing.T) *faultLab {
	part := *lab
	part.cluster = lab.in(t)
	return &part
}

func (lab *faultLab) of(ts *testscript.TestScript) *faultLab {
	return lab.at(ts.Value("t").(*testing.T))
}

// kubectlCmd is «kubectl ARG...». With «!» the server has to refuse it.
func (lab *faultLab) kubectlCmd(ts *testscript.TestScript, neg bool, args []string) {
	out := lab.of(ts).run(filepath.Join(programs.bin, "kubectl"), inFolder(ts, args)...)
	ts.Logf("%s%s", out.stdout, out.stderr)
	if (out.code != 0) != neg {
		ts.Fatalf("exit status %d", out.code)
	}
}

// inFolder is args with the files among them where the script's are.
func inFolder(ts *testscript.TestScript, args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".json") {
			args[i] = ts.MkAbs(arg)
		}
	}
	return args
}

// putCmd is «put FILE...»: the objects and their status, in the place of those that
// are there, as their controllers would write them.
func (lab *faultLab) putCmd(ts *testscript.TestScript, _ bool, files []string) {
	part := lab.of(ts)
	for _, file := range files {
		objects, err := decode([]byte(ts.ReadFile(file)))
		ts.Check(err)
		for _, u := range objects {
			part.write(u, u.GetKind() == "Pod" || u.GetKind() == "Node")
		}
	}
}

// restoreCmd is «restore KIND/NAME...»: the healthy object.
func (lab *faultLab) restoreCmd(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		lab.of(ts).restore(name)
	}
}

func (lab *faultLab) restore(name string) {
	lab.t.Helper()
	u, ok := lab.healthy[name]
	if !ok {
		lab.t.Fatalf("no %s in the healthy cluster", name)
	}
	lab.write(u.DeepCopy(), u.GetKind() == "Pod" || u.GetKind() == "Node")
}

// write writes the object and its status over the one that is there, or makes it anew
// where the server does not let fields of it change.
func (lab *faultLab) write(u *unstructured.Unstructured, anew bool) {
	lab.t.Helper()
	u.SetResourceVersion("")
	u.SetManagedFields(nil)
	u.SetUID("")
	lab.namespace(u.GetNamespace())
	err := retry.RetryOnConflict(oftenEnough, func() error { return lab.overwrite(u) })
	if anew || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) {
		lab.remove(u)
		lab.put(u, "helm")
	} else if err != nil {
		lab.t.Fatal(err)
	}
}

func (lab *faultLab) overwrite(u *unstructured.Unstructured) error {
	ctx, resource := lab.t.Context(), lab.resource(u)
	there, err := resource.Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	updated := u.DeepCopy()
	updated.SetResourceVersion(there.GetResourceVersion())
	if updated, err = resource.Update(ctx, updated, metav1.UpdateOptions{FieldManager: "helm"}); err != nil {
		return err
	}
	status, ok := u.Object["status"]
	if !ok {
		return nil
	}
	updated.Object["status"] = status
	_, err = resource.UpdateStatus(ctx, updated, metav1.UpdateOptions{FieldManager: "helm"})
	return err
}

// restartCmd is «restart PROGRAM [FLAG...]». The environment has its id in $PID.
func (lab *faultLab) restartCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("PID", fmt.Sprint(lab.of(ts).restart(args[0], args[1:]...)))
}

// probeCmd is «probe REGEXP COMMAND...»: what the command prints, be it a refusal,
// matches before long; with «!» it does not. The command is kubectl, or cat.
func (lab *faultLab) probeCmd(ts *testscript.TestScript, neg bool, args []string) {
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	program, rest := args[1], inFolder(ts, args[2:])
	if program == "kubectl" {
		program = filepath.Join(programs.bin, program)
	}
	part := lab.of(ts)
	var out output
	deadline := time.Now().Add(patience)
	for {
		out = part.run(program, rest...)
		if want.MatchString(out.stdout+out.stderr) != neg {
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not show it: %s%s", strings.Join(args[1:], " "), out.stdout, out.stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
	shown := args[0]
	if neg {
		shown = "! " + shown
	}
	if len(lab.ids) == 0 { // later ones are about what was healed
		lab.probes = append(lab.probes, shown)
	}
}

// foundCmd is «found ID...»: doctor finds the fault by these checks and no others.
func (lab *faultLab) foundCmd(ts *testscript.TestScript, _ bool, ids []string) {
	lab.ids = append(lab.ids, ids...)
	if err := lab.of(ts).expect(ids); err != nil {
		ts.Fatalf("%v", err)
	}
}

// expect waits until doctor says something by just these checks that it does not say
// of the healthy cluster: controllers take their time.
func (lab *faultLab) expect(ids []string) error {
	lab.t.Helper()
	slices.Sort(ids)
	deadline := time.Now().Add(patience)
	for {
		said := slices.DeleteFunc(lab.findings(), lab.always)
		var got []string
		for _, f := range said {
			got = append(got, f.ID)
		}
		slices.Sort(got)
		diff := gocmp.Diff(slices.Clone(ids), slices.Compact(got))
		if len(ids) == 0 && len(got) == 0 || diff == "" {
			lab.t.Logf("doctor:%s", lines(said))
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("checks (-want +got):\n%s%s", diff, lines(said))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// always reports whether f is worth knowing of the healthy cluster too, in whatever
// words.
func (lab *faultLab) always(f finding) bool {
	return f.Severity == "info" && slices.ContainsFunc(lab.base, func(b finding) bool { return b.ID == f.ID })
}

func lines(fs []finding) string {
	var b strings.Builder
	for _, f := range fs {
		_, _ = fmt.Fprintf(&b, "\n%s %s %s/%s %s: %s", f.ID, f.Severity, f.Object.Kind, f.Object.Name, f.Field, f.Message)
	}
	return b.String()
}

// findings is what doctor says of the cluster by its plan.
func (lab *faultLab) findings() []finding {
	lab.t.Helper()
	return lab.doctor(0, "--plan", repository("examples", "homelab-today", "plan.yaml"), "--fail-on", "none").findings()
}

// table prints the faults.
func (lab *faultLab) table(t *testing.T) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "FAULT\tFOUND BY\tSHOWN BY")
	for _, row := range lab.rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // a buffer takes all writes
	t.Logf("%d faults\n%s", len(lab.rows), b.String())
	const least = 25
	if files, _ := os.ReadDir(repository("test", "e2e", "faults")); len(files) < least {
		t.Errorf("%d faults, want %d at least", len(files), least)
	}
}
