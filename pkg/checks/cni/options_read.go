package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var optionsRead = &checks.Check{
	ID:       "DS412",
	Name:     "cilium-options-read",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the Cilium release that runs reads every option of its configuration",
		Why: `The agents do something else than the configuration says, or do not start. Options are
renamed and removed between releases, and a ConfigMap that was carried along, or values
copied from an old article, keep the old ones: most are passed over without a word
(tunnel from 1.15 on, enable-ipv4-egress-gateway from 1.19 on), some values are refused
(kube-proxy-replacement: strict from 1.16 on).`,
		Fix:   "Write what the release reads instead and take the old option away.",
		Holds: "Cilium 1.11 to 1.20",
		Since: "0.1",
		Refs:  cilium.UnreadSources(),
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok {
			return nil
		}
		for _, u := range c.Config.Unread(c.release) {
			finding := checks.Finding{
				Severity: severity.Warning,
				Object:   c.ConfigRef, Field: c.field(u.Key),
				Message: fmt.Sprintf("%s is not read by Cilium %s: %s", c.text(u.Key), u.In, consequence(u, c)),
				Fix:     unreadFix(u, c),
			}
			if u.Refused {
				finding.Severity = c.byVersion(u.In, severity.Error)
				finding.Message = fmt.Sprintf("%s is refused by Cilium %s: the agent does not start", c.text(u.Key), u.In)
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

func consequence(u cilium.Unread, c configured) string {
	if u.Without == nil {
		return "it has no effect"
	}
	return u.Without(c.Config[u.Key])
}

// unreadFix writes what is read instead, and takes the old option away.
func unreadFix(u cilium.Unread, c configured) string {
	var settings []cilium.Setting
	if u.Instead != nil {
		settings = u.Instead(c.Config[u.Key])
	}
	if len(settings) == 0 || settings[0].Key != u.Key {
		settings = append(settings, cilium.Setting{Key: u.Key})
	}
	command := c.set(settings...)
	if !c.known {
		return fmt.Sprintf("with Cilium %s: %s", u.In, command) // an older release wants what is there
	}
	return command
}
