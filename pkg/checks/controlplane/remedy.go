package controlplane

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// setFlag is what to write where, so that p has the flag with this value.
func setFlag(p snapshot.Program, flag, value string) string {
	field := p.Field(flag)
	switch {
	case !p.Planned:
		return fmt.Sprintf("%s: --%s=%s", manifest(p), flag, value)
	case strings.HasPrefix(field, p.ExtraArgs()):
		return extraArg(p, flag, value)
	}
	return fmt.Sprintf("in the kubeadm configuration: %s: %s", strings.TrimPrefix(field, "."), value)
}

// dropFlag is where to take the flag out.
func dropFlag(p snapshot.Program, flag string) string {
	if p.Planned {
		return fmt.Sprintf("in the kubeadm configuration: remove %s from %s", flag, strings.TrimPrefix(p.ExtraArgs(), "."))
	}
	return fmt.Sprintf("%s: remove --%s", manifest(p), flag)
}

type flagValue struct{ flag, value string }

// replaceFlag is where to write others in place of the flag.
func replaceFlag(p snapshot.Program, flag string, others []flagValue) string {
	if len(others) == 0 {
		return dropFlag(p, flag)
	}
	var written []string
	for _, o := range others {
		switch {
		case !p.Planned:
			written = append(written, fmt.Sprintf("--%s=%s", o.flag, o.value))
		case p.List:
			written = append(written, fmt.Sprintf("{name: %s, value: %q}", o.flag, o.value))
		default:
			written = append(written, fmt.Sprintf("%s: %q", o.flag, o.value))
		}
	}
	if !p.Planned {
		return fmt.Sprintf("%s: %s instead of --%s", manifest(p), strings.Join(written, " "), flag)
	}
	return fmt.Sprintf("in the kubeadm configuration: in %s, instead of %s: %s", strings.TrimPrefix(p.ExtraArgs(), "."), flag, strings.Join(written, ", "))
}

// manifest is where a running program's flags are written.
func manifest(p snapshot.Program) string {
	where := ""
	if p.Node != "" {
		where = "on " + p.Node + ", "
	}
	return fmt.Sprintf("%sin the manifest of %s (kubeadm: /etc/kubernetes/manifests/%s.yaml)", where, p.Name, p.Name)
}

// extraArg is an extra argument in the form of the configuration's version.
func extraArg(p snapshot.Program, flag, value string) string {
	args := strings.TrimPrefix(p.ExtraArgs(), ".")
	if p.List {
		return fmt.Sprintf("in the kubeadm configuration: %s: [{name: %s, value: %q}]", args, flag, value)
	}
	return fmt.Sprintf("in the kubeadm configuration: %s: {%s: %q}", args, flag, value)
}

// kubeadmFix is what to write into kubeadm's configuration.
func kubeadmFix(field, value string) string {
	return fmt.Sprintf("kubectl edit configmap kubeadm-config -n kube-system, and there (or in the file that kubeadm is given): %s: %s",
		strings.TrimPrefix(field, "."), value)
}
