package fault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// controller is the node whose kubelet runs the control plane.
const controller = "k8s-controller-0"

// RestartStaticPod is Restart in a lab with nodes, where kubeadm made the control plane:
// a kubelet runs it from manifests. The id is the one that the process has in its host.
func (l Lab) RestartStaticPod(ctx context.Context, program string, flags ...string) (pid int, err error) {
	manifest := "/etc/kubernetes/manifests/" + program + ".yaml"
	first := "/etc/kubernetes/" + program + ".yaml" // beside the folder that the kubelet watches
	text, err := l.onController(ctx, "", "sh", "-c", `[ -e "$2" ] || cp "$1" "$2" && cat "$2"`, "sh", manifest, first)
	if err != nil {
		return 0, fmt.Errorf("read the manifest of %s: %w", program, err)
	}
	text, err = withFlags(text, flags)
	if err != nil {
		return 0, err
	}
	running, err := l.mirror(ctx, program)
	if err != nil {
		return 0, err
	}
	written, err := l.onController(ctx, text, "sh", "-c", `cat > "$2" && if cmp -s "$1" "$2"; then echo same; else mv "$2" "$1"; fi`, "sh", manifest, first+".new")
	if err != nil {
		return 0, fmt.Errorf("write the manifest of %s: %w", program, err)
	}
	if !strings.HasPrefix(written, "same") {
		if err := l.awaitOther(ctx, program, running.hash); err != nil {
			return 0, err
		}
	}
	id, err := l.onController(ctx, "", "pidof", "-s", program)
	if err != nil {
		return 0, fmt.Errorf("find the process of %s: %w", program, err)
	}
	return strconv.Atoi(strings.TrimSpace(id))
}

func (l Lab) onController(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd, err := l.Exec(ctx, controller, args...)
	if err != nil {
		return "", err
	}
	cmd.Stdin = strings.NewReader(stdin)
	return must(cmd)
}

// mirror is what the API knows of a static Pod.
type mirror struct {
	hash  string // of its manifest
	ready bool
}

// mirror asks for it. Source: kubernetes v1.37.2, pkg/kubelet/types/pod_update.go.
func (l Lab) mirror(ctx context.Context, program string) (mirror, error) {
	out, err := must(l.kubectl(ctx, "get", "pod", program+"-"+controller, "--namespace=kube-system", "--request-timeout=5s",
		`--output=jsonpath={.metadata.annotations.kubernetes\.io/config\.hash} {.status.conditions[?(@.type=="Ready")].status}`))
	if err != nil {
		return mirror{}, err
	}
	hash, ready, _ := strings.Cut(out, " ")
	return mirror{hash, ready == "True"}, nil
}

// awaitOther waits until the static Pod of a changed manifest is ready. Until then the
// API server may be the one that is restarted.
func (l Lab) awaitOther(ctx context.Context, program, hash string) error {
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		m, err := l.mirror(ctx, program)
		if err == nil && m.ready && m.hash != hash {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the static Pod of %s is not ready with its new flags", program), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// flagLine is a flag in the command of a manifest, as kubeadm writes it.
var flagLine = regexp.MustCompile(`^( *- )["']?(--[a-z0-9-]+)(=.*)?$`)

// withFlags is a manifest with flags in the place of those of the same names, and with
// those that are new behind the others.
func withFlags(manifest string, flags []string) (string, error) {
	lines := strings.Split(manifest, "\n")
	for _, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		last, there := -1, -1
		indent := ""
		for i, line := range lines {
			if found := flagLine.FindStringSubmatch(line); found != nil {
				if last, indent = i, found[1]; strings.TrimRight(found[2], `"'`) == name {
					there = i
				}
			}
		}
		switch written := indent + strconv.Quote(flag); {
		case last < 0:
			return "", errors.New("the manifest has no flags")
		case there >= 0:
			lines[there] = written
		default:
			lines = slices.Insert(lines, last+1, written)
		}
	}
	return strings.Join(lines, "\n"), nil
}
