package image

import (
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/clang"
)

// cilium is the images of its agent and its operator, laid out as the chart's Pods and
// the agent expect them. Where they differ from those that are released: no Envoy,
// Hubble client, bpftool and gops, busybox for the usual commands, and the lab's program
// before the compiler.
// Source: cilium v1.20.2, images/{cilium,operator,runtime}/Dockerfile and
// install/kubernetes/cilium/templates/cilium-{agent,operator}.
func (c catalogue) cilium(module string) Archive {
	return Archive{Name: "cilium", Images: []Image{
		{
			Name:   "quay.io/cilium/cilium:v" + build.CiliumVersion,
			Config: Config{Env: searchPath, Cmd: []string{"/usr/bin/cilium-dbg"}, WorkingDir: "/home/cilium"},
			Layers: []*Layer{
				c.base, c.libc, c.shell, c.netfilter, compiler(c.libc, c.shell, c.netfilter),
				agentTools(c.libc, c.shell, c.netfilter), c.agent(module),
			},
		},
		{
			Name:   "quay.io/cilium/operator-generic:v" + build.CiliumVersion,
			Config: Config{Env: searchPath, WorkingDir: "/"},
			Layers: []*Layer{c.base, c.one("usr/bin/cilium-operator-generic", "cilium-operator-generic")},
		},
	}}
}

// compiler is clang, which agents call by its name alone, and what calls it in turn. Its
// own headers stay away: an agent compiles with -nostdinc.
func compiler(below ...*Layer) *Layer {
	l := newLayer()
	l.program(clang.Compiler, clang.Compiler, below...)
	l.put("usr/local/bin/clang", file{mode: 0o755, text: "#!/bin/sh\nexec /bin/lab clang \"$@\"\n"})
	return l
}

// agentTools is what an agent and the scripts of its Pod call, and busybox has not or has
// with fewer options.
func agentTools(below ...*Layer) *Layer {
	l := newLayer()
	for _, program := range []string{
		"/usr/bin/find", "/usr/bin/mount", "/usr/bin/nsenter", "/usr/bin/umount", "/usr/sbin/ip", "/usr/sbin/ipset",
	} {
		l.program(program, program, below...)
	}
	l.copy("cni/loopback", "/usr/lib/cni/loopback")
	return l
}

func (c catalogue) agent(module string) *Layer {
	l := newLayer()
	for _, name := range []string{"agent", "dbg", "health-responder", "mount", "sysctlfix"} {
		l.copy("usr/bin/cilium-"+name, filepath.Join(c.bin, "cilium-"+name))
	}
	l.link("usr/bin/cilium", "cilium-dbg")
	l.copy("opt/cni/bin/cilium-cni", filepath.Join(c.bin, "cilium-cni"))
	l.copy("bin/lab", filepath.Join(c.bin, "lab"))
	for _, script := range []string{"images/cilium/init-container.sh", "plugins/cilium-cni/install-plugin.sh", "plugins/cilium-cni/cni-uninstall.sh"} {
		l.script(filepath.Base(script), filepath.Join(module, script))
	}
	l.tree("var/lib/cilium/bpf", filepath.Join(module, "bpf"), isDatapath)
	l.dir("home/cilium", 0o755)
	return l
}

// isDatapath tells the programs that agents compile from their tests.
// Source: cilium v1.20.2, Makefile.defs BPF_SRCFILES.
func isDatapath(name string) bool {
	return !strings.HasPrefix(name, "tests/") && !strings.HasPrefix(name, "complexity-tests/") && !strings.HasPrefix(name, "Makefile")
}
