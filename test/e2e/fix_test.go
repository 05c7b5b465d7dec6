//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// mendedFinding is what a step is for.
type mendedFinding struct {
	Check  string `json:"check"`
	Object struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"object"`
}

func (m mendedFinding) key() string {
	return m.Check + " " + m.Object.Kind + "/" + m.Object.Namespace + "/" + m.Object.Name
}

// mendStep is a step of doctor --fix=print -o json.
type mendStep struct {
	Mends      []mendedFinding `json:"mends"`
	Text       string          `json:"text"`
	Reversible bool            `json:"reversible"`
	Reason     string          `json:"reason"`
	DryRun     struct {
		Outcome string   `json:"outcome"`
		Detail  string   `json:"detail"`
		Undo    []string `json:"undo"`
	} `json:"dryRun"`
}

// taken reports whether --fix=apply takes the step.
func (s mendStep) taken() bool { return s.Reversible && s.DryRun.Outcome == "accepted" }

// mended is the faults that --fix=apply mends, each with the check that is silent then.
// Others may be as well.
var mended = map[string]string{
	"service-made-before-the-second-range": "DS601",
	"pool-asked-for-is-missing":            "DS514",
	"pool-not-advertised":                  "DS505",
	"advertisement-of-a-missing-pool":      "DS505",
}

// TestFixes plants the faults that need no nodes, has doctor say and take the steps that
// can be taken back, and wants silence about what they mend. What it says of a step,
// the API server has to hold to: what is accepted in the dry run is taken.
func TestFixes(t *testing.T) {
	lab := startMetalLB(t)
	lab.putHealthy()
	base := &faultLab{cluster: lab}
	base.base = base.findings()
	var faults []fault
	if err := json.Unmarshal([]byte(base.run(programs.lab, base.args("fault", "--json")...).stdout), &faults); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if len(f.Found) == 0 || !slices.Contains(f.Profiles, "control-plane") {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			one := *base
			one.cluster = lab.in(t)
			one.plantAndMend(f)
		})
	}
}

func (lab *faultLab) plantAndMend(f fault) {
	lab.t.Helper()
	planted := lab.run(programs.lab, lab.args("fault", f.Name)...)
	if planted.code != 0 {
		lab.t.Errorf("%s", planted.stderr)
	} else if err := lab.expect(f.Found); err != nil {
		lab.t.Error(err)
	} else {
		lab.mend(f)
	}
	healed := lab.run(programs.lab, lab.args("heal", f.Name)...)
	if healed.code != 0 {
		lab.t.Fatalf("%s", healed.stderr)
	}
	if err := lab.expect(nil); err != nil {
		lab.t.Errorf("healed: %v", err)
	}
}

// mend takes the steps, if there are any that --fix=apply takes.
func (lab *faultLab) mend(f fault) {
	lab.t.Helper()
	steps := lab.fixes(f)
	var want []string
	for _, s := range steps {
		lab.t.Logf("reversible %t (%s), dry run %s %s:\n%s\nundo: %s", s.Reversible, s.Reason, s.DryRun.Outcome, s.DryRun.Detail, s.Text, strings.Join(s.DryRun.Undo, "; "))
		if s.Reversible && s.DryRun.Outcome == "accepted" && len(s.DryRun.Undo) == 0 {
			lab.t.Error("is reversible, and nothing says how")
		}
		if s.taken() {
			for _, m := range s.Mends {
				want = append(want, m.Check)
			}
		}
	}
	if must, ok := mended[f.Name]; ok && !slices.Contains(want, must) {
		lab.t.Errorf("takes no step for %s", must)
	}
	if len(want) == 0 {
		return
	}
	out := lab.run(programs.plugin, "doctor", "--plan", repository("examples", "homelab-today", "plan.yaml"), "--only", strings.Join(f.Found, ","), "--fix=apply", "--yes", "--fail-on", "none", "-o", "json")
	if out.code != 0 {
		lab.t.Errorf("--fix=apply: exit status %d\n%s", out.code, out.stderr)
		return
	}
	if err := lab.silent(want, steps); err != nil {
		lab.t.Error(err)
	}
}

// fixes is the steps that doctor prints for what the fault's checks find: others are not
// to be taken, since healing would not undo them.
func (lab *faultLab) fixes(f fault) []mendStep {
	lab.t.Helper()
	out := lab.run(programs.plugin, "doctor", "--plan", repository("examples", "homelab-today", "plan.yaml"), "--only", strings.Join(f.Found, ","), "--fix=print", "--fail-on", "none", "-o", "json")
	if out.code != 0 {
		lab.t.Fatalf("--fix=print: exit status %d\n%s", out.code, out.stderr)
	}
	var report struct {
		Steps []mendStep `json:"steps"`
	}
	if err := json.Unmarshal([]byte(out.stdout), &report); err != nil {
		lab.t.Fatal(err)
	}
	return report.Steps
}

// silent waits until the checks say nothing more of the objects that the steps were for.
func (lab *faultLab) silent(ids []string, steps []mendStep) error {
	objects := map[string]bool{}
	for _, s := range steps {
		for _, m := range s.Mends {
			if s.taken() {
				objects[m.key()] = true
			}
		}
	}
	deadline := time.Now().Add(patience)
	for {
		left := slices.DeleteFunc(lab.findings(), func(f finding) bool {
			return !slices.Contains(ids, f.ID) || !objects[f.ID+" "+f.Object.Kind+"/"+f.Object.Namespace+"/"+f.Object.Name]
		})
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("is left after --fix=apply:%s", lines(left))
		}
		time.Sleep(100 * time.Millisecond)
	}
}
