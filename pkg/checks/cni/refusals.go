package cni

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// refused is the findings about combinations of options that the agent refuses.
func refused(in *checks.Input, subjects ...cilium.Subject) (fs []checks.Finding) {
	c, ok := configuration(in)
	if !ok {
		return nil
	}
	for _, r := range c.Config.Refusals(c.release) {
		if !slices.Contains(subjects, r.Subject) {
			continue
		}
		who := "the agent"
		if !r.In.Open() {
			who = fmt.Sprintf("the agent of Cilium %s", r.In)
		}
		fs = append(fs, checks.Finding{
			Severity: c.byVersion(r.In, severity.Error),
			Object:   c.ConfigRef, Field: c.field(r.Key),
			Message: fmt.Sprintf("is %s and keeps %s from starting: %s", c.text(r.Key), who, r.Says),
			Fix:     c.set(r.Instead...),
		})
	}
	return fs
}
