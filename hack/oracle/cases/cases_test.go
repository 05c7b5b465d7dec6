package cases_test

import (
	"slices"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/cases"
)

// What is drawn is drawn again, and no two cases are the same plan.
func TestAllIsAlwaysTheSame(t *testing.T) {
	first, err := cases.Lines(cases.All())
	if err != nil {
		t.Fatal(err)
	}
	again, err := cases.Lines(cases.All())
	if err != nil {
		t.Fatal(err)
	}
	if cases.Digest(first) != cases.Digest(again) {
		t.Errorf("%s, and then %s", cases.Digest(first), cases.Digest(again))
	}
}

// Each family is primary, secondary and alone, each often.
func TestFamilies(t *testing.T) {
	seen := map[string]int{}
	for _, c := range cases.All() {
		for i, f := range c.Families {
			seen[f+[]string{" first", " second"}[i]]++
		}
		if len(c.Families) == 1 {
			seen[c.Families[0]+" alone"]++
		}
	}
	for _, place := range []string{"ipv4 first", "ipv6 first", "ipv4 second", "ipv6 second", "ipv4 alone", "ipv6 alone"} {
		if seen[place] < cases.Count/10 {
			t.Errorf("%s in %d of %d cases", place, seen[place], cases.Count)
		}
	}
	if !slices.ContainsFunc(cases.All(), func(c cases.Case) bool { return len(c.Pools) == 3 }) {
		t.Error("no case has three pools")
	}
}
