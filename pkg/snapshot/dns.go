package snapshot

import (
	"context"
	"net/netip"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CoreDNS is the configuration of the cluster's name server.
type CoreDNS struct {
	ConfigMap Ref // zero when there is none
	Servers   []DNSServer
	// Hosts is the entries of files in the ConfigMap that a plugin hosts reads, such as
	// NodeHosts of k3s, by the key that has them.
	Hosts map[string][]HostsEntry
}

// Field is where the Corefile stands.
func (CoreDNS) Field() string { return ".data." + corefileKey }

// DNSServer is a server block of a Corefile, with the snippets that it imports.
type DNSServer struct {
	Zones   []string // without scheme and port: "." or "cluster.local"
	Plugins []DNSPlugin
}

// Has reports whether the block has the plugin.
func (s DNSServer) Has(plugin string) bool {
	return slices.ContainsFunc(s.Plugins, func(p DNSPlugin) bool { return p.Name == plugin })
}

// DNSPlugin is a line of a server block, with the block below it.
type DNSPlugin struct {
	Name  string
	Args  []string
	Lines [][]string // of its block, by words
}

// String is the line without its block.
func (p DNSPlugin) String() string { return strings.Join(append([]string{p.Name}, p.Args...), " ") }

// Option is the words after the line of the block that begins with name.
func (p DNSPlugin) Option(name string) (args []string, ok bool) {
	for _, line := range p.Lines {
		if line[0] == name {
			return line[1:], true
		}
	}
	return nil, false
}

// HostsEntry is an address with its names, as /etc/hosts has them.
type HostsEntry struct {
	Addr  netip.Addr
	Names []string
}

// HostsEntryOf reads the words of a line of /etc/hosts; ok is false of any other.
func HostsEntryOf(words []string) (e HostsEntry, ok bool) {
	if len(words) < 2 {
		return e, false
	}
	a, err := netip.ParseAddr(words[0])
	if err != nil {
		return e, false
	}
	return HostsEntry{Addr: a.Unmap(), Names: words[1:]}, true
}

// Kubelet is the configuration that kubeadm gives every kubelet.
type Kubelet struct {
	ConfigMap  Ref // zero when there is none
	ClusterDNS []netip.Addr
}

const (
	corefileKey       = "Corefile"
	kubeletConfigName = "kubelet-config" // from 1.24 on
)

// coreDNSNames is the ConfigMaps that have the Corefile: kubeadm's and k3s's, and RKE2's.
var coreDNSNames = []string{"coredns", "rke2-coredns-rke2-coredns"}

func (b *builder) coreDNSConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(CoreDNSConfig)
	found := CoreDNS{ConfigMap: ref, Servers: parseCorefile(c.Data[corefileKey])}
	for _, s := range found.Servers {
		for _, p := range s.Plugins {
			if p.Name != "hosts" || len(p.Args) == 0 {
				continue
			}
			key := path.Base(p.Args[0])
			if text := c.Data[key]; text != "" {
				if found.Hosts == nil {
					found.Hosts = map[string][]HostsEntry{}
				}
				found.Hosts[key] = hostsOf(text)
			}
		}
	}
	if b.once(CoreDNSConfig, ref, found) {
		b.snap.CoreDNS = found
	}
}

func hostsOf(text string) (entries []HostsEntry) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if e, ok := HostsEntryOf(strings.Fields(line)); ok {
			entries = append(entries, e)
		}
	}
	return entries
}

// parseCorefile reads a Corefile as far as it is well formed. Braces stand at the ends of
// lines and on lines of their own; a block whose name is in parentheses is a snippet, which
// a server takes over where it imports it. Files that are imported are not there.
// Source: caddyserver/caddy v1, caddyfile/parse.go, which CoreDNS reads it with.
func parseCorefile(text string) (servers []DNSServer) {
	snippets := map[string][]DNSPlugin{}
	var names []string // of the block that is open
	var plugins []DNSPlugin
	depth := 0
	for line := range strings.Lines(text) {
		words := corefileWords(line)
		if len(words) == 0 {
			continue
		}
		opens := words[len(words)-1] == "{"
		if opens {
			words = words[:len(words)-1]
		}
		switch {
		case len(words) > 0 && words[0] == "}":
			if depth--; depth <= 0 {
				if len(names) == 1 && strings.HasPrefix(names[0], "(") {
					snippets[strings.Trim(names[0], "()")] = plugins
				} else {
					servers = append(servers, DNSServer{Zones: zonesOf(names), Plugins: plugins})
				}
				names, plugins, depth = nil, nil, 0
			}
			continue
		case depth == 0:
			names = append(names, words...)
		case depth == 1 && len(words) == 2 && words[0] == "import" && snippets[words[1]] != nil:
			plugins = append(plugins, snippets[words[1]]...)
		case depth == 1 && len(words) > 0:
			plugins = append(plugins, DNSPlugin{Name: words[0], Args: words[1:]})
		case depth == 2 && len(words) > 0 && len(plugins) > 0:
			last := &plugins[len(plugins)-1]
			last.Lines = append(last.Lines, words)
		}
		if opens {
			depth++
		}
	}
	return servers
}

// corefileWords is the words of a line, without what is a comment. Words in quotes are kept
// together.
func corefileWords(line string) (words []string) {
	for {
		line = strings.TrimLeft(line, " \t\r\n")
		switch {
		case line == "" || line[0] == '#':
			return words
		case line[0] == '"':
			word, rest, _ := strings.Cut(line[1:], `"`)
			words, line = append(words, word), rest
			continue
		}
		end := strings.IndexAny(line, " \t\r\n")
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
}

// zonesOf is the zones of a server block's names: "dns://.:53" is the root.
func zonesOf(names []string) (zones []string) {
	for _, name := range names {
		for one := range strings.SplitSeq(name, ",") {
			if _, rest, ok := strings.Cut(one, "://"); ok {
				one = rest
			}
			if i := strings.LastIndexByte(one, ':'); i >= 0 && !strings.HasSuffix(one, "]") {
				one = one[:i]
			}
			if one != "" {
				zones = append(zones, strings.ToLower(one))
			}
		}
	}
	return zones
}

// kubeletConfiguration is kubelet.config.k8s.io/v1beta1 KubeletConfiguration.
type kubeletConfiguration struct {
	ClusterDNS []string `json:"clusterDNS"`
}

func (b *builder) kubeletConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(KubeletConfig)
	const field = ".data.kubelet"
	var config kubeletConfiguration
	b.embeddedIn(KubeletConfig, ref, field, c.Data["kubelet"], &config)
	if b.once(KubeletConfig, ref, config) {
		b.snap.Kubelet = Kubelet{ConfigMap: ref, ClusterDNS: b.addrs(KubeletConfig, ref, field, config.ClusterDNS)}
	}
}

// coreDNS reads the Corefile of the first name that has one.
func (r *reader) coreDNS(ctx context.Context) {
	var err error
	for _, name := range coreDNSNames {
		var found *corev1.ConfigMap
		if found, err = r.client.configMap(ctx, metav1.NamespaceSystem, name); err == nil {
			r.add(found)
			return
		}
		if !apierrors.IsNotFound(err) {
			break
		}
	}
	r.gap(gapOf(CoreDNSConfig, "get configmaps/"+coreDNSNames[0]+inNamespace(metav1.NamespaceSystem), err, NotFound))
}

func (r *reader) kubeletConfig(ctx context.Context) {
	r.configMap(ctx, KubeletConfig, metav1.NamespaceSystem, kubeletConfigName)
}
