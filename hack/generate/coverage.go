package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
)

// coverageFile is the page of what the checks show.
const coverageFile = "docs/coverage.md"

// coverage is every failure that is known, with the checks that show it or why
// none does.
func coverage() file {
	var b bytes.Buffer
	b.WriteString(notice)
	shown, unseen := 0, 0
	for _, f := range catalog.Failures {
		switch {
		case len(catalog.CoveredBy(f.ID)) > 0:
			shown++
		case !f.Seen.ByCheck():
			unseen++
		}
	}
	fmt.Fprintf(&b, `# What the checks cover

%d ways in which clusters with two families are known to fail, out of reports of users, issues and the sources of the
programs. Checks of `+"`doctor`"+` show %d of them. Of the other %d, %d are nowhere in the Kubernetes API and in no file.

* **harm**: an *outage* is everybody's traffic, or that of a family; *partial* is one family of some, or one program; *lesser* is
  slow, confusing, or harmless until later; *exposure* is open what was to be closed.
* **seen in**: where a sign of it can be. That a check shows a failure does not mean that it shows every form of it: the page of
  the check has its limits.

`, len(catalog.Failures), shown, len(catalog.Failures)-shown, unseen)
	b.WriteString("| area | failures | shown by checks |\n|---|---|---|\n")
	for _, a := range catalog.FailureAreas {
		list := failuresOf(a)
		n := 0
		for _, f := range list {
			if len(catalog.CoveredBy(f.ID)) > 0 {
				n++
			}
		}
		fmt.Fprintf(&b, "| %s | %d | %d |\n", a.Title, len(list), n)
	}
	for _, a := range catalog.FailureAreas {
		fmt.Fprintf(&b, "\n## %s\n\n| ID | failure | harm | seen in | checks |\n|---|---|---|---|---|\n", capital(a.Title))
		for _, f := range failuresOf(a) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.ID, cell(f.Title), f.Harm, f.Seen, cell(shownBy(f)))
		}
	}
	return file{coverageFile, b.Bytes()}
}

func failuresOf(a catalog.FailureArea) []catalog.Failure {
	var list []catalog.Failure
	for _, f := range catalog.Failures {
		if strings.HasPrefix(f.ID, a.Prefix) {
			list = append(list, f)
		}
	}
	return list
}

// shownBy is links to the checks that show f, or why there is none.
func shownBy(f catalog.Failure) string {
	var links []string
	for _, c := range catalog.CoveredBy(f.ID) {
		links = append(links, fmt.Sprintf("[%[1]s](checks/%[1]s.md)", c.ID))
	}
	switch {
	case len(links) > 0:
		return strings.Join(links, ", ")
	case f.Uncovered != "":
		return "none: " + f.Uncovered
	}
	return "none yet"
}

// covers is the failures that c shows, with their titles.
func covers(b *bytes.Buffer, c *checks.Check) {
	if len(c.Doc.Covers) == 0 {
		return
	}
	b.WriteString("\n## Failures that it shows\n\n[All that are known](../coverage.md)\n\n")
	for _, id := range c.Doc.Covers {
		f, _ := catalog.FindFailure(id)
		fmt.Fprintf(b, "* %s: %s\n", id, markdown(f.Title))
	}
}
