package report

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

// Baseline is the findings of an earlier report.
type Baseline struct{ fingerprints map[string]bool }

// ParseBaseline reads what -o json printed earlier.
func ParseBaseline(data []byte) (Baseline, error) {
	var earlier struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Results    []Result `json:"results"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&earlier); err != nil {
		return Baseline{}, fmt.Errorf("want what doctor -o json printed: %w", err)
	}
	if earlier.APIVersion != APIVersion || earlier.Kind != Kind {
		return Baseline{}, fmt.Errorf("want what doctor -o json printed, %s %s; this is %q %q", APIVersion, Kind, earlier.APIVersion, earlier.Kind)
	}
	b := Baseline{map[string]bool{}}
	for _, r := range earlier.Results {
		for _, f := range r.Fingerprints() {
			b.fingerprints[f] = true
		}
	}
	return b, nil
}

// Mark marks the findings that are in the baseline as known. It returns how many of the
// baseline are gone.
func (b Baseline) Mark(results []checks.Result) (gone int) {
	left := map[string]bool{}
	for f := range b.fingerprints {
		left[f] = true
	}
	for _, r := range results {
		for i, fingerprint := range bare(r).Fingerprints() {
			r.Findings[i].Known = b.fingerprints[fingerprint]
			delete(left, fingerprint)
		}
	}
	return len(left)
}

// bare is a result without what takes a snapshot to tell.
func bare(result checks.Result) Result {
	r := Result{ID: result.Check.ID, Name: result.Check.Name}
	for _, f := range result.Findings {
		r.Findings = append(r.Findings, Finding{Severity: f.Severity, Object: Object(f.Object), Field: f.Field, Family: f.Family, Message: f.Message})
	}
	return r
}
