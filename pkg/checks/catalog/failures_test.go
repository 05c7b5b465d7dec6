package catalog_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
)

// awaited is the areas of failures whose checks are an area of checks that there
// is not yet. What they do not cover is open until there is.
var awaited = map[string]string{"DNS-": "DS7", "POL-": "DS8", "WKL-": "DS9", "EGR-": "DS9", "RTR-": "DS9"}

func open(f catalog.Failure) bool {
	for prefix, area := range awaited {
		if strings.HasPrefix(f.ID, prefix) {
			return !slices.ContainsFunc(catalog.Areas, func(a catalog.Area) bool { return a.Prefix == area })
		}
	}
	return false
}

// TestFailures holds the list to being whole: each failure has an area, in order,
// and a check that shows it or the reason why none does.
func TestFailures(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]+-[0-9]{2}$`)
	seen := map[string]bool{}
	last := -1
	for _, f := range catalog.Failures {
		area := slices.IndexFunc(catalog.FailureAreas, func(a catalog.FailureArea) bool { return strings.HasPrefix(f.ID, a.Prefix) })
		if !form.MatchString(f.ID) || seen[f.ID] || area < last {
			t.Errorf("%s: is there twice, or stands in the wrong place, or is not in the form SVC-08", f.ID)
		}
		seen[f.ID], last = true, area
		if f.Title == "" || f.Harm == "" || f.Seen == 0 || strings.HasSuffix(f.Title, ".") {
			t.Errorf("%s: wants a title without a full stop, a harm and where it is seen: %+v", f.ID, f)
		}
		covered := catalog.CoveredBy(f.ID)
		switch {
		case len(covered) > 0 && f.Uncovered != "":
			t.Errorf("%s: %s shows it, and there is a reason why no check does: %s", f.ID, covered[0].ID, f.Uncovered)
		case len(covered) > 0 && !f.Seen.ByCheck():
			t.Errorf("%s: %s shows what is neither in the API nor in files", f.ID, covered[0].ID)
		case len(covered) == 0 && f.Uncovered == "" && !open(f):
			t.Errorf("%s (%s): no check shows it, and no reason says why", f.ID, f.Title)
		}
	}
	if want := 132; len(catalog.Failures) != want {
		t.Errorf("%d failures; want %d: one that is not one any more keeps its ID", len(catalog.Failures), want)
	}
}

// TestCovers holds what checks say of failures to the list.
func TestCovers(t *testing.T) {
	for _, c := range catalog.All {
		for i, id := range c.Doc.Covers {
			if _, ok := catalog.FindFailure(id); !ok || slices.Contains(c.Doc.Covers[:i], id) {
				t.Errorf("%s covers %s, which is no failure, or twice", c.ID, id)
			}
		}
	}
}
