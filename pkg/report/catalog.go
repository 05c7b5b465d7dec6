package report

import (
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// checkList is the checks as doctor list prints them.
type checkList struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Checks     []listedCheck `json:"checks"`
}

type listedCheck struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Area     string            `json:"area"`
	Severity severity.Severity `json:"severity"`
	Claim    string            `json:"claim"`
	Holds    string            `json:"holds"`
	Since    string            `json:"since"`
	Plan     bool              `json:"plan"` // needs an address plan
	Needs    []snapshot.Kind   `json:"needs"`
	Uses     []snapshot.Kind   `json:"uses"`
}

// WriteCatalog prints a list of checks as a table, JSON or YAML.
func WriteCatalog(w io.Writer, list []*checks.Check, f Format) error {
	switch f {
	case JSON:
		return WriteJSON(w, listOf(list))
	case YAML:
		return WriteYAML(w, listOf(list))
	}
	g := &grid{header: []string{"ID", "SEVERITY", "NAME", "CLAIM"}}
	for _, c := range list {
		g.add(c.ID, c.Severity.String(), c.Name, oneLine(c.Doc.Claim))
	}
	return g.write(w)
}

func listOf(list []*checks.Check) checkList {
	out := checkList{APIVersion: APIVersion, Kind: "CheckList", Checks: []listedCheck{}}
	for _, c := range list {
		out.Checks = append(out.Checks, listedCheck{
			ID: c.ID, Name: c.Name, Area: areaOf(c.ID), Severity: c.Severity, Claim: oneLine(c.Doc.Claim),
			Holds: c.Doc.Holds, Since: c.Doc.Since, Plan: c.Plan,
			Needs: append([]snapshot.Kind{}, c.Needs...), Uses: append([]snapshot.Kind{}, c.Uses...),
		})
	}
	return out
}

// areaOf is the title of the area that a check belongs to.
func areaOf(id string) string {
	for _, a := range catalog.Areas {
		if strings.HasPrefix(id, a.Prefix) {
			return a.Title
		}
	}
	return ""
}
