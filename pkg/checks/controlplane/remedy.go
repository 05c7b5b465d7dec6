package controlplane

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// setFlag is what to write where, so that p has the flag with this value.
func setFlag(p snapshot.Program, flag, value string) string {
	if p.Planned {
		return p.Line(flag, value)
	}
	return fmt.Sprintf("%s: --%s=%s", manifest(p), flag, value)
}

// dropFlag is where to take the flag out.
func dropFlag(p snapshot.Program, flag string) string {
	if p.Planned {
		return fmt.Sprintf("in %s: remove %s from %s", p.Configuration(), flag, strings.TrimPrefix(p.ExtraArgs(), "."))
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
		argument := fmt.Sprintf("--%s=%s", o.flag, o.value)
		if p.Planned {
			argument = p.Argument(o.flag, o.value)
		}
		written = append(written, argument)
	}
	if !p.Planned {
		return fmt.Sprintf("%s: %s instead of --%s", manifest(p), strings.Join(written, " "), flag)
	}
	return fmt.Sprintf("in %s: in %s, instead of %s: %s", p.Configuration(), strings.TrimPrefix(p.ExtraArgs(), "."), flag, strings.Join(written, ", "))
}

// manifest is where a running program's flags are written.
func manifest(p snapshot.Program) string {
	where := ""
	if p.Node != "" {
		where = "on " + p.Node + ", "
	}
	return fmt.Sprintf("%sin the manifest of %s (kubeadm: /etc/kubernetes/manifests/%s.yaml)", where, p.Name, p.Name)
}

// configFix is what to write into the configuration that s is of.
func configFix(s statement, value string) string {
	if !s.config.ByKubeadm() {
		return s.config.Line(s.field, value)
	}
	return fmt.Sprintf("kubectl edit configmap kubeadm-config -n kube-system, and there (or in the file that kubeadm is given): %s: %s",
		strings.TrimPrefix(s.field, "."), value)
}
