package cilium

import "strings"

// Setting is an option and what to write there; an empty Value takes the option
// away.
type Setting struct {
	Key, Value string
}

// HelmFlag is s as Helm's command line takes it, in the value that the chart
// renders the option from.
func (s Setting) HelmFlag() []string {
	value := Value(s.Key)
	switch {
	case s.Value == "":
		return []string{"--set", value + "=null"}
	case strings.HasSuffix(value, "List"):
		return []string{"--set", value + "={" + strings.Join(strings.Fields(s.Value), ",") + "}"}
	}
	flag := "--set"
	if strings.HasPrefix(value, extraConfig+".") {
		flag = "--set-string" // the chart copies these as they are, and a ConfigMap holds strings only
	}
	return []string{flag, value + "=" + strings.ReplaceAll(s.Value, ",", `\,`)}
}

// ReadByOperator reports whether the operator reads the option too, when it
// starts (cilium v1.20.2, operator/cmd/flags.go and operator/pkg/ipam/clusterpool.go).
func ReadByOperator(key string) bool {
	return strings.HasPrefix(key, "cluster-pool-") || key == "enable-ipv4" || key == "enable-ipv6" || key == "ipam"
}
