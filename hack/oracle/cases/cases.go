// Package cases draws the address plans that ours and the real components judge.
// A case is the texts of a plan, good and bad, so that reading is judged as well.
package cases

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Count is how many cases there are, and Seed what they are drawn with.
const (
	Count = 10_000
	Seed  = 6
)

// Case is the parts of one plan that the components decide about. Services, Pods
// and Masks have one entry for each of Families, in their order.
type Case struct {
	Families []string   `json:"families"` // "ipv4" and "ipv6", the primary first
	Services []string   `json:"services"`
	Pods     []string   `json:"pods"`
	Masks    []int      `json:"masks"` // 0 is not given
	Pools    [][]string `json:"pools"`
}

// All is the cases. They are always the same.
func All() []Case {
	d := drawer{rand.New(rand.NewPCG(Seed, Count))}
	all := make([]Case, Count)
	for i := range all {
		all[i] = d.draw()
	}
	return all
}

// Lines is cases as the programs of the components read them, one line each.
func Lines(cases []Case) ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, c := range cases {
		if err := encoder.Encode(c); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

// Digest is what tells one set of cases from another.
func Digest(lines []byte) string { return fmt.Sprintf("%x", sha256.Sum256(lines))[:16] }

// YAML is the file of the plan.
func (c Case) YAML() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  families: [" + strings.Join(c.Families, ", ") + "]\n")
	section := func(name string, texts []string) {
		fmt.Fprintf(&b, "  %s:\n", name)
		for i, f := range c.Families {
			fmt.Fprintf(&b, "    %s: %q\n", f, texts[i])
		}
	}
	section("services", c.Services)
	section("pods", c.Pods)
	var masks []string
	for i, f := range c.Families {
		if c.Masks[i] != 0 {
			masks = append(masks, fmt.Sprintf("%s: %d", f, c.Masks[i]))
		}
	}
	if len(masks) > 0 {
		fmt.Fprintf(&b, "    nodeMask: {%s}\n", strings.Join(masks, ", "))
	}
	if len(c.Pools) > 0 {
		b.WriteString("  loadBalancers:\n")
	}
	for i, entries := range c.Pools {
		fmt.Fprintf(&b, "  - name: pool%d\n    addresses:\n", i)
		for _, e := range entries {
			fmt.Fprintf(&b, "    - %q\n", e)
		}
	}
	return []byte(b.String())
}
