package cni

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// configured is Cilium's configuration and the release that it is judged by.
type configured struct {
	snapshot.Cilium
	release release.Version // the latest when it is not known
	known   bool
}

// configuration is Cilium's configuration; ok is false when there is none.
func configuration(in *checks.Input) (c configured, ok bool) {
	c.Cilium = in.Cilium()
	c.release, c.known = in.CiliumVersion()
	return c, c.ConfigRef != snapshot.Ref{}
}

// field is where key is written: in the ConfigMap, or in the Helm values that it
// is made of.
func (c configured) field(key string) string {
	if c.ConfigRef != c.Values.Ref {
		return ".data." + key
	}
	return c.Values.Field(key)
}

// text is the value of key for a message.
func (c configured) text(key string) string {
	if !c.Config.Has(key) {
		return "not set"
	}
	return `"` + c.Config[key] + `"`
}

func (c configured) native() bool { return c.Config.Native(c.release) }

// byVersion is the severity of a fault that the releases of s have and others
// have not: worst when the release is known and no more than a warning when the
// latest was taken for it.
func (c configured) byVersion(s cilium.Span, worst severity.Severity) severity.Severity {
	if c.known || s.Open() {
		return worst
	}
	return min(worst, severity.Warning)
}

// namespace is the one that Cilium is installed in.
func (c configured) namespace() string { return cmp.Or(c.Namespace, "kube-system") }

// set is the command that writes settings where they last: into the values of the
// Helm release, at the version of the chart that runs. What the agent would then
// refuse is set along with them. Configuration is read at the start, so that
// follows. Values that an object installs the chart with are to be written there:
// what helm sets is taken back.
func (c configured) set(settings ...cilium.Setting) string {
	words := []string{"helm", "upgrade", "cilium", "cilium/cilium", "-n", c.namespace(), "--reuse-values"}
	restart := []string{"kubectl", "rollout", "restart", "-n", c.namespace(), "ds/cilium"}
	operator := false
	var lines []string
	for _, s := range c.agreeable(settings) {
		words = append(words, s.HelmFlag()...)
		lines = append(lines, c.line(s))
		operator = operator || cilium.ReadByOperator(s.Key)
	}
	if operator {
		restart = append(restart, "deploy/cilium-operator")
	}
	if c.Values.Installed() {
		return fmt.Sprintf("in %s: %s; when that is applied: %s", c.Values.Ref, strings.Join(lines, ", "), checks.Command(restart...))
	}
	return checks.Command(words...) + " --version " + c.chart() + " && " + checks.Command(restart...)
}

// upgradeTo is the command that brings Cilium to the newest patch of v's minor
// release, or to v itself where v names a patch.
func (c configured) upgradeTo(v release.Version) string {
	if c.Values.Installed() {
		return fmt.Sprintf("in %s: the chart's version %s; one minor release after the other", c.Values.Ref, v)
	}
	version := v.String()
	if v.Patch == 0 {
		version = "~" + version + ".0" // as Helm reads it: the newest patch
	}
	return checks.Command("helm", "upgrade", "cilium", "cilium/cilium", "-n", c.namespace(), "--reuse-values", "--version", version) +
		"; one minor release after the other"
}

// chart is the version of the chart, or a question for it.
func (c configured) chart() string {
	if c.known {
		return c.Version.String()
	}
	return `"$(` + checks.Command("helm", "get", "metadata", "cilium", "-n", c.namespace(), "-o", "json") + ` | jq -r .version)"`
}

// agreeable is settings, and what the agent wants besides to start with them.
func (c configured) agreeable(settings []cilium.Setting) []cilium.Setting {
	refused := map[string]bool{}
	for _, r := range c.Config.Refusals(c.release) {
		refused[r.Says] = true
	}
	config := cilium.Config{}
	maps.Copy(config, c.Config)
	for _, s := range settings {
		config[s.Key] = s.Value
	}
	for _, r := range config.Refusals(c.release) {
		if !refused[r.Says] {
			settings = append(settings, r.Instead...)
		}
	}
	return settings
}

// unset is the command that takes key out of the ConfigMap.
func (c configured) unset(key string) string {
	return checks.Command("kubectl", "patch", "configmap", c.configMap(), "-n", c.namespace(),
		"--type", "json", "-p", `[{"op":"remove","path":"/data/`+key+`"}]`) +
		" && " + checks.Command("kubectl", "rollout", "restart", "-n", c.namespace(), "ds/cilium", "deploy/cilium-operator")
}

func (c configured) configMap() string {
	if c.ConfigRef.Kind == "ConfigMap" {
		return c.ConfigRef.Name
	}
	return "cilium-config"
}
