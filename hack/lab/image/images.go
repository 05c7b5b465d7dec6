package image

import (
	"context"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// searchPath is that of Debian's users, and of the images that are stood in for.
var searchPath = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

// Toolbox is the image that the lab's own Pods run: a shell, curl, ip, and the lab's
// program as /bin/lab, which answers on port 8080 with the address of who asks.
const Toolbox = "lab.local/toolbox:1"

// pause is the image that kubeadm of build.KubernetesVersion has for what holds a Pod's
// namespaces. Source: kubernetes v1.37.2, cmd/kubeadm/app/constants/constants.go.
const pause = "registry.k8s.io/pause:3.10.2"

// Build packs the images that the nodes of a profile need, from programs that are
// built already, into the folder images of bin.
func Build(ctx context.Context, profile build.Profile, root, bin string, log io.Writer) error {
	if profile == build.ControlPlane {
		return nil
	}
	webServer := filepath.Join(bin, "nginx")
	if err := build.WebServer.Fetch(ctx, webServer); err != nil {
		return err
	}
	c := newCatalogue(bin)
	archives := []Archive{c.node(webServer), c.controlPlane(), c.kubeProxy()}
	if profile == build.Cilium {
		module, err := build.ModuleDir(ctx, root, "cilium", "github.com/cilium/cilium")
		if err != nil {
			return err
		}
		archives = append(archives, c.cilium(module))
	}
	return Pack(ctx, archives, folder(bin), log)
}

func folder(bin string) string { return filepath.Join(bin, "images") }

// Archives is the archives that nodes of a profile have the images of. kube-proxy's is
// with Cilium's too: where Cilium replaces it, it is what should not run.
func Archives(bin string, profile build.Profile) []string {
	names := []string{"node", "control-plane", "kube-proxy"}
	if profile == build.Cilium {
		names = append(names, "cilium")
	}
	for i, name := range names {
		names[i] = Archive{Name: name}.path(folder(bin))
	}
	return names
}

// catalogue is the images, and the layers that they have in common.
type catalogue struct {
	bin string // folder of the programs

	base, libc, shell, netfilter *Layer
}

func newCatalogue(bin string) catalogue {
	libc := glibc()
	shell := shell(libc)
	return catalogue{bin: bin, base: base(), libc: libc, shell: shell, netfilter: netfilter(libc, shell)}
}

// node is what runs on any node.
func (c catalogue) node(webServer string) Archive {
	curl := tool("/usr/bin/curl", c.libc, c.shell)
	return Archive{Name: "node", Images: []Image{
		{
			Name:   pause,
			Config: Config{User: "65535:65535", Env: searchPath, Entrypoint: []string{"/pause", "pause"}},
			Layers: []*Layer{c.base, c.one("pause", "lab")},
		},
		{
			Name:   "registry.k8s.io/coredns/coredns:v" + build.CoreDNSVersion,
			Config: Config{User: "nonroot:nonroot", Env: searchPath, Entrypoint: []string{"/coredns"}, WorkingDir: "/"},
			Layers: []*Layer{c.base, c.one("coredns", "coredns")},
		},
		{
			Name:   "quay.io/metallb/controller:v" + build.MetalLBVersion,
			Config: Config{Env: searchPath, Entrypoint: []string{"/controller"}},
			Layers: []*Layer{c.base, c.one("controller", build.PodController)},
		},
		{
			Name:   "quay.io/metallb/speaker:v" + build.MetalLBVersion,
			Config: Config{Env: searchPath, Entrypoint: []string{"/speaker"}},
			Layers: []*Layer{c.base, c.one("speaker", "metallb-speaker")},
		},
		{
			Name:   "docker.io/library/nginx:latest",
			Config: Config{Env: searchPath, Entrypoint: []string{"nginx", "-g", "daemon off;"}},
			Layers: []*Layer{c.base, c.libc, c.shell, curl, nginx(webServer, c.libc, c.shell, curl)},
		},
		{
			Name:   Toolbox,
			Config: Config{Env: searchPath, Cmd: []string{"/bin/lab", "echo", "[::]:8080"}},
			Layers: []*Layer{
				c.base, c.libc, c.shell, curl, tool("/usr/sbin/ip", c.libc, c.shell, curl), c.one("bin/lab", "lab"),
			},
		},
	}}
}

func (c catalogue) controlPlane() Archive {
	return Archive{Name: "control-plane", Images: []Image{
		c.kubernetes("kube-apiserver", c.base),
		c.kubernetes("kube-controller-manager", c.base),
		c.kubernetes("kube-scheduler", c.base),
		{
			Name:   "registry.k8s.io/etcd:v" + build.EtcdVersion,
			Config: Config{Env: searchPath},
			Layers: []*Layer{c.base, c.one("usr/local/bin/etcd", "etcd")},
		},
	}}
}

func (c catalogue) kubeProxy() Archive {
	return Archive{Name: "kube-proxy", Images: []Image{
		c.kubernetes("kube-proxy", c.base, c.libc, c.shell, c.netfilter),
	}}
}

// kubernetes is the image of one of its programs, on top of layers.
func (c catalogue) kubernetes(name string, below ...*Layer) Image {
	return Image{
		Name:   "registry.k8s.io/" + name + ":v" + build.KubernetesVersion,
		Config: Config{Env: searchPath},
		Layers: append(below, c.one("usr/local/bin/"+name, name)),
	}
}

// one is a layer of one of the programs that the lab builds.
func (c catalogue) one(at, program string) *Layer {
	l := newLayer()
	l.copy(at, filepath.Join(c.bin, program))
	return l
}

// base is below everything else: who there is, and the folders that programs count on.
func base() *Layer {
	l := newLayer()
	l.write("etc/passwd", `root:x:0:0:root:/root:/bin/sh
nginx:x:101:101:nginx:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
`)
	l.write("etc/group", `root:x:0:
nginx:x:101:
nonroot:x:65532:
nogroup:x:65534:
`)
	l.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
	for _, at := range []string{"dev", "proc", "run", "sys", "usr", "var/lib", "var/log"} {
		l.dir(at, 0o755)
	}
	for _, at := range []string{"tmp", "var/tmp"} {
		l.dir(at, 0o777|fs.ModeSticky)
	}
	l.dir("root", 0o700)
	l.link("var/run", "/run")
	return l
}

// shell is a shell and the usual commands. The shell is not busybox: that one would
// prefer its own commands to those that an image has for themselves, and which stand
// before them in the path.
func shell(below ...*Layer) *Layer {
	l := newLayer()
	l.copy("bin/busybox", "/usr/bin/busybox")
	out, err := exec.Command("/usr/bin/busybox", "--list").Output()
	l.fail(err)
	for name := range strings.FieldsSeq(string(out)) {
		if name != "busybox" {
			l.link("bin/"+name, "busybox")
		}
	}
	l.program("bin/sh", "/usr/bin/dash", below...)
	l.program("bin/bash", "/usr/bin/bash", below...)
	return l
}

// glibc is the libraries that every dynamic program has.
func glibc() *Layer {
	l := newLayer()
	l.libraries("/usr/bin/env")
	return l
}

// tool is a layer of one program of Debian.
func tool(program string, below ...*Layer) *Layer {
	l := newLayer()
	l.program(program, program, below...)
	return l
}

// netfilter is nft, and iptables in the variant that works through nft, with its
// extensions. Without the names of protocols nft would tell kube-proxy of its rules by
// numbers, and one that starts again would take them for somebody else's.
func netfilter(below ...*Layer) *Layer {
	const iptables = "xtables-nft-multi"
	l := newLayer()
	l.program("usr/sbin/nft", "/usr/sbin/nft", below...)
	l.copy("etc/protocols", "/etc/protocols")
	l.program("usr/sbin/"+iptables, "/usr/sbin/"+iptables, below...)
	for _, name := range []string{"iptables", "ip6tables"} {
		for _, variant := range []string{"", "-nft"} {
			for _, verb := range []string{"", "-save", "-restore"} {
				l.link("usr/sbin/"+name+variant+verb, iptables)
			}
		}
	}
	extensions, err := filepath.Glob("/usr/lib/*/xtables")
	l.fail(err)
	for _, folder := range extensions {
		l.tree(folder, folder, func(string) bool { return true })
	}
	return l
}
