//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestFaults plants those faults that need no nodes into a control plane.
func TestFaults(t *testing.T) {
	lab := startMetalLB(t)
	lab.putHealthy()
	testFaults(t, lab)
	t.Run("expose with one Service range", func(t *testing.T) { testExposeOneFamily(lab.in(t)) })
}

// testFaults has a healthy lab plant the faults of the folder faults that are for its
// profile, one after the other. Each is a script that shows without our code that the
// fault is there, and names the checks that find it: doctor has to say something by just
// these, and after the fault was healed to be silent again. A fault that is for several
// profiles is planted in the one that it names first; with E2E_FAULTS=all in each.
func testFaults(t *testing.T, c *cluster) {
	profile := c.describe()
	lab := &faultLab{cluster: c}
	lab.base = lab.findings()
	for _, f := range lab.base {
		if f.Severity != "info" {
			t.Errorf("healthy: %+v", f)
		}
	}
	var faults []fault
	if err := json.Unmarshal([]byte(lab.run(programs.lab, lab.args("fault", "--json")...).stdout), &faults); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("E2E_FAULTS") != "all" {
		faults = slices.DeleteFunc(faults, func(f fault) bool {
			traced := len(f.Trace) > 0 && f.Profiles[0] == "control-plane" // which has no Pods to trace
			return f.Profiles[0] != profile && !(traced && profile != "control-plane")
		})
	}
	for _, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			one := *lab
			one.cluster = lab.in(t)
			if profile == "control-plane" {
				f.Trace = nil
			}
			one.plantAndHeal(f)
		})
	}
	table(t, faults)
}

// patience is how long doctor may say what it said before, when a fault has been planted
// or healed: controllers take their time.
const patience = 30 * time.Second

// fault is one in the lab's list.
type fault struct {
	Name      string   `json:"name"`
	Profiles  []string `json:"profiles"`
	Found     []string `json:"found"`
	Probes    []string `json:"probes"`
	ProbeOnly bool     `json:"probeOnly"`
	Trace     []string `json:"trace"`
}

// faultLab is a healthy cluster.
type faultLab struct {
	*cluster
	base []finding // what doctor says of it: nothing that matters
}

// args is a command of the lab, for the cluster's.
func (c *cluster) args(command ...string) []string {
	return append(command, "--dir", c.dir, "--bin", programs.bin)
}

// describe is the profile of the lab.
func (c *cluster) describe() (profile string) {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, "lab.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	var description struct{ Profile string }
	if err := json.Unmarshal(data, &description); err != nil {
		c.t.Fatal(err)
	}
	return description.Profile
}

// putHealthy makes of a control plane the healthy cluster, with what is unusual in one
// and no fault.
func (c *cluster) putHealthy() {
	c.installCRDs("github.com/cilium/cilium")
	putToday(c)
	c.putAll(c.read(repository("test", "e2e", "harmless")), func(*unstructured.Unstructured) string { return "e2e" })
	c.poolsTaken(1)
}

// plantAndHeal also heals what could be planted in part only: the next one needs the
// healthy cluster.
func (lab *faultLab) plantAndHeal(f fault) {
	lab.t.Helper()
	planted := lab.run(programs.lab, lab.args("fault", f.Name)...)
	lab.t.Logf("%s", planted.stdout)
	if planted.code != 0 {
		lab.t.Errorf("%s", planted.stderr)
	} else {
		if err := lab.expect(f.Found); err != nil {
			lab.t.Error(err)
		}
		if len(f.Trace) > 0 {
			lab.traced(f.Trace)
		}
	}
	healed := lab.run(programs.lab, lab.args("heal", f.Name)...)
	lab.t.Logf("%s", healed.stdout)
	if healed.code != 0 {
		lab.t.Fatalf("%s", healed.stderr)
	}
	if err := lab.expect(nil); err != nil {
		lab.t.Errorf("healed: %v", err)
	}
}

// traced has trace --probe find the fault at its step of its family.
func (lab *faultLab) traced(want []string) {
	lab.t.Helper()
	family, step, args := want[0], want[1], want[2:]
	if len(args) == 0 {
		args = []string{"pod/nginx-test", "-n", "lab", "--to", "203.0.113.80:80,[2001:db8:ffff::80]:80"}
	}
	tiers := "agent,exec,host"
	if slices.Contains([]string{"pod", "name", "service", "policy", "target", "size"}, step) {
		tiers = "exec" // more would tell no more
	}
	args = append(args, "--plan", repository("examples", "homelab-today", "plan.yaml"), "--probe="+tiers, "--image", "lab.local/toolbox:1")
	report, out := lab.trace(args...)
	key := strings.ToLower(family)
	at := ""
	for _, p := range report.Partings {
		if p.Family == family && at == "" {
			at = p.Step
		}
	}
	for _, h := range report.Paths[key].Hops {
		if at == "" && (h.State == "stops" || h.State == "doubtful") {
			at = h.Step
		}
	}
	lab.t.Logf("trace: exit status %d: %s", out.code, report.Summary)
	if at != step {
		lab.t.Errorf("trace finds it at %q of %s, want %s: %s\n%+v\n%+v\n%s", at, family, step, report.Summary, report.Partings, report.Paths[key], out.stderr)
	}
}

// expect waits until doctor says something by just these checks that it does not say
// of the healthy cluster.
func (lab *faultLab) expect(ids []string) error {
	lab.t.Helper()
	want := slices.Sorted(slices.Values(ids))
	deadline := time.Now().Add(patience)
	for {
		said := slices.DeleteFunc(lab.findings(), lab.always)
		var got []string
		for _, f := range said {
			got = append(got, f.ID)
		}
		slices.Sort(got)
		diff := gocmp.Diff(want, slices.Compact(got))
		if diff == "" {
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
func table(t *testing.T, faults []fault) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "FAULT\tFOUND BY\tSHOWN BY")
	for _, f := range faults {
		found := strings.Join(f.Found, " ")
		if f.ProbeOnly {
			found = "a probe only"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, found, strings.Join(f.Probes, "; "))
	}
	_ = w.Flush() // a buffer takes all writes
	t.Logf("%d faults\n%s", len(faults), b.String())
}
