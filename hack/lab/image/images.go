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
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Toolbox is the image that the lab's own Pods run: a shell, curl, ip, and the lab's
// program as /bin/lab.
const Toolbox = "lab.local/toolbox:1"

// Build packs the images that the nodes of a profile need, from programs that are
// built already, into the folder images of bin.
func Build(ctx context.Context, profile build.Profile, root, bin string, log io.Writer) error {
	if profile == build.ControlPlane {
		return nil
	}
	nginx := filepath.Join(bin, "nginx")
	if err := fetchNginx(ctx, nginx); err != nil {
		return err
	}
	archives, err := packed(ctx, profile, root, bin, nginx)
	if err != nil {
		return err
	}
	return Pack(ctx, archives, folder(bin), log)
}

func folder(bin string) string { return filepath.Join(bin, "images") }

// Archives is the archives that a node of a profile imports.
func Archives(bin string, profile build.Profile, controlPlane bool) []string {
	names := []string{"node"}
	if controlPlane {
		names = append(names, "control-plane")
	}
	switch profile {
	case build.Plain:
		names = append(names, "kube-proxy")
	case build.Cilium:
		names = append(names, "cilium")
	}
	for i, name := range names {
		names[i] = Archive{Name: name}.path(folder(bin))
	}
	return names
}

// packed is the archives of a profile. kube-proxy's is one of its own, and is packed for
// Cilium too: it is what runs beside Cilium when that replaces it, and should not.
func packed(ctx context.Context, profile build.Profile, root, bin, nginxRoot string) ([]Archive, error) {
	static, shell, libc := users(), busybox(), glibc()
	filters := netfilter(libc)
	archives := []Archive{
		{Name: "node", Images: []Image{
			{
				Name:   "registry.k8s.io/pause:3.10.2",
				Config: Config{User: "65535:65535", Env: []string{searchPath}, Entrypoint: []string{"/pause", "pause"}},
				Layers: []*Layer{static, one("pause", filepath.Join(bin, "lab"))},
			},
			{
				Name:   "registry.k8s.io/coredns/coredns:v1.14.6",
				Config: Config{User: "nonroot:nonroot", Env: []string{searchPath}, Entrypoint: []string{"/coredns"}, WorkingDir: "/"},
				Layers: []*Layer{static, one("coredns", filepath.Join(bin, "coredns"))},
			},
			metalLB("controller", filepath.Join(bin, build.PodController), static),
			metalLB("speaker", filepath.Join(bin, "metallb-speaker"), static),
			{
				Name:   "docker.io/library/nginx:latest",
				Config: Config{Env: []string{searchPath}, Entrypoint: []string{"nginx", "-g", "daemon off;"}},
				Layers: []*Layer{static, shell, libc, nginx(nginxRoot, libc)},
			},
			{
				Name:   Toolbox,
				Config: Config{Env: []string{searchPath}, Cmd: []string{"/bin/lab", "pause"}},
				Layers: []*Layer{static, shell, libc, tools(libc), one("bin/lab", filepath.Join(bin, "lab"))},
			},
		}},
		{Name: "control-plane", Images: []Image{
			kubernetes("kube-apiserver", bin, static),
			kubernetes("kube-controller-manager", bin, static),
			kubernetes("kube-scheduler", bin, static),
			{
				Name:   "registry.k8s.io/etcd:v3.7.3",
				Config: Config{Env: []string{searchPath}},
				Layers: []*Layer{static, one("usr/local/bin/etcd", filepath.Join(bin, "etcd"))},
			},
		}},
		{Name: "kube-proxy", Images: []Image{
			kubernetes("kube-proxy", bin, static, shell, libc, filters),
		}},
	}
	return archives, nil
}

// kubernetes is the image of one of its programs, on top of layers.
func kubernetes(name, bin string, below ...*Layer) Image {
	return Image{
		Name:   "registry.k8s.io/" + name + ":v1.37.2",
		Config: Config{Env: []string{searchPath}},
		Layers: append(below, one("usr/local/bin/"+name, filepath.Join(bin, name))),
	}
}

func metalLB(name, program string, below ...*Layer) Image {
	return Image{
		Name:   "quay.io/metallb/" + name + ":v0.16.2",
		Config: Config{Env: []string{searchPath}, Entrypoint: []string{"/" + name}},
		Layers: append(below, one(name, program)),
	}
}

// one is a layer of one static program.
func one(at, program string) *Layer {
	l := newLayer()
	l.copy(at, program)
	return l
}

// users is below everything else: who there is, and a folder to write into.
func users() *Layer {
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
	l.dir("tmp", 0o777|fs.ModeSticky)
	l.dir("root", 0o700)
	return l
}

// busybox is a shell and the usual commands. Those that are in an image for
// themselves stand before it in the path.
func busybox() *Layer {
	l := newLayer()
	l.copy("bin/busybox", "/bin/busybox")
	out, err := exec.Command("/bin/busybox", "--list").Output()
	l.fail(err)
	for name := range strings.FieldsSeq(string(out)) {
		if name != "busybox" {
			l.link("bin/"+name, "busybox")
		}
	}
	return l
}

// glibc is the libraries that every dynamic program has.
func glibc() *Layer {
	l := newLayer()
	l.libraries("/usr/bin/env")
	return l
}

// tools is what scripts call in the toolbox: curl and ip as people have them.
func tools(below ...*Layer) *Layer {
	l := newLayer()
	l.program("usr/bin/curl", "/usr/bin/curl", below...)
	l.program("usr/sbin/ip", "/usr/sbin/ip", below...)
	return l
}

// netfilter is nft, and iptables in the variant that works through nft, with its
// extensions.
func netfilter(below ...*Layer) *Layer {
	const iptables = "xtables-nft-multi"
	l := newLayer()
	l.program("usr/sbin/nft", "/usr/sbin/nft", below...)
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
