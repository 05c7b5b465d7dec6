// Package controlplane runs etcd, kube-apiserver, kube-controller-manager and
// MetalLB's controller on the loopback, as one control plane without nodes.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/pki"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// Config is what to run. A range is a list such as "10.96.0.0/16,2001:db8::/112",
// the primary family first.
type Config struct {
	Bin           string // folder of the programs
	Dir           string // folder of all that this control plane writes
	ServiceRanges string
	PodRanges     string
	NodeMask4     int // 0 where there is no range of the family
	NodeMask6     int
	Controllers   string // of kube-controller-manager
	MetalLB       string // folder of MetalLB's module, for its custom resources; empty where it does not run
}

// Homelab is the ranges of the founding document. Without kubelets the node
// lifecycle controller would count every Node as lost.
func Homelab(bin, dir string) Config {
	return Config{
		Bin: bin, Dir: dir,
		ServiceRanges: "10.96.0.0/16,2001:db8:7653:299:cafe:1::/112",
		PodRanges:     "10.244.0.0/16,2001:db8:7653:299:cafe:0::/96",
		NodeMask4:     24, NodeMask6: 112,
		Controllers: "*,-node-lifecycle-controller,-taint-eviction-controller",
	}
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	Kubeconfig string // of a user who may do everything
	settings   settings
	programs   []*program
}

// program is one of a control plane's programs.
type program struct {
	name    string
	args    []string
	ready   string // what to ask before the next one starts; empty when it can wait itself
	process *process.Process
}

const (
	readyTimeout = 2 * time.Minute
	grace        = 10 * time.Second
	// An API server waits for its watchers to leave, and they are to stay.
	restartGrace = 2 * time.Second
)

// Start starts a control plane and comes back when it is ready. What it started
// is ended when it fails.
func Start(ctx context.Context, c Config) (_ *ControlPlane, err error) {
	ports, err := freePorts(5)
	if err != nil {
		return nil, err
	}
	s := settings{Config: c, etcd: ports[0], peer: ports[1], api: ports[2], controllers: ports[3], metallb: ports[4]}
	if err := s.write(time.Now()); err != nil {
		return nil, err
	}
	cp := &ControlPlane{Kubeconfig: s.file("admin.kubeconfig"), settings: s}
	defer func() {
		if err != nil {
			cp.Stop()
		}
	}()
	for _, p := range s.programs() {
		if _, err := os.Stat(filepath.Join(c.Bin, p.name)); errors.Is(err, fs.ErrNotExist) && p.name == "kube-controller-manager" {
			continue // envtest's folder of programs has none
		}
		if p.name == "metallb-controller" {
			if err := s.installMetalLB(ctx); err != nil {
				return nil, fmt.Errorf("install MetalLB: %w", err)
			}
		}
		if err := cp.start(ctx, p, p.args); err != nil {
			return nil, err
		}
		cp.programs = append(cp.programs, p)
	}
	return cp, nil
}

// programs is what is to run, in the order of their start.
func (s settings) programs() []*program {
	programs := []*program{
		{name: "etcd", args: s.etcdArgs()},
		{name: "kube-apiserver", args: s.apiServerArgs(), ready: s.server() + "/readyz"},
		{name: "kube-controller-manager", args: s.controllerManagerArgs(), ready: "https://" + loopback(s.controllers) + "/healthz"},
	}
	if s.MetalLB != "" {
		programs = append(programs, &program{name: "metallb-controller", args: s.metallbArgs(), ready: "http://" + loopback(s.metallb) + "/readyz"})
	}
	return programs
}

// start starts a program and comes back when it is ready.
func (cp *ControlPlane) start(ctx context.Context, p *program, args []string) error {
	started, err := process.Start(filepath.Join(cp.settings.Bin, p.name), cp.settings.Dir, args...)
	if err != nil {
		return err
	}
	running := []*process.Process{started}
	for _, other := range cp.programs {
		if other != p {
			running = append(running, other.process)
		}
	}
	p.process = started
	if p.ready == "" {
		return nil
	}
	if err := cp.settings.ready(ctx, p.ready, running); err != nil {
		started.Stop(grace)
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	return nil
}

// Stop ends every process, the last one first.
func (cp *ControlPlane) Stop() {
	for _, p := range slices.Backward(cp.programs) {
		p.process.Stop(grace)
	}
}

// Wait does what comes out of commands until ctx is done, which is no failure, or
// until a process has ended by itself.
func (cp *ControlPlane) Wait(ctx context.Context, commands <-chan func(*ControlPlane)) error {
	ended := make(chan *process.Process)
	watch := func(p *program) {
		one := p.process
		go func() {
			<-one.Done()
			select {
			case ended <- one:
			case <-ctx.Done():
			}
		}()
	}
	watched := map[*process.Process]bool{}
	for {
		for _, p := range cp.programs {
			if !watched[p.process] {
				watched[p.process] = true
				watch(p)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case do := <-commands:
			do(cp)
		case one := <-ended:
			if slices.ContainsFunc(cp.programs, func(p *program) bool { return p.process == one }) {
				return one.Failure()
			}
		}
	}
}

// Restart ends a program and starts it again with other flags: each takes the place
// of the one of its name that the program had at first. Without any it runs as it did
// at first. The answer is the id of the new process.
func (cp *ControlPlane) Restart(ctx context.Context, name string, flags []string) (pid int, err error) {
	i := slices.IndexFunc(cp.programs, func(p *program) bool { return p.name == name })
	if i < 0 {
		return 0, fmt.Errorf("no %s runs", name)
	}
	p := cp.programs[i]
	p.process.Stop(restartGrace)
	if err := cp.start(ctx, p, override(p.args, flags)); err != nil {
		return 0, err
	}
	return p.process.PID(), nil
}

// override is args with flags in the place of those of the same names.
func override(args, flags []string) []string {
	out := slices.Clone(args)
	for _, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		out = slices.DeleteFunc(out, func(arg string) bool { return arg == name || strings.HasPrefix(arg, name+"=") })
		out = append(out, flag)
	}
	return out
}

// freePorts is n ports of the loopback that nobody listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all are held until all are known, so that no two are the same
		address, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, int(address.Port()))
	}
	return ports, nil
}

// settings is a Config with its ports.
type settings struct {
	Config
	etcd, peer, api, controllers, metallb int
}

func (s settings) file(name string) string { return filepath.Join(s.Dir, name) }

func (s settings) server() string { return "https://" + loopback(s.api) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// write writes the certificates, the keys and the kubeconfigs.
func (s settings) write(now time.Time) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	ca, err := pki.New("lab", now)
	if err != nil {
		return err
	}
	names := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	server, err := ca.Server("kube-apiserver", names, []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, now)
	if err != nil {
		return err
	}
	accounts, err := ca.Server("service-accounts", nil, nil, now) // only its key is used
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"ca.crt": ca.Certificate, "ca.key": ca.Key,
		"apiserver.crt": server.Certificate, "apiserver.key": server.Key,
		"accounts.crt": accounts.Certificate, "accounts.key": accounts.Key,
	}
	for name, groups := range map[string][]string{"admin": {"system:masters"}, "system:kube-controller-manager": nil} {
		pair, err := ca.Client(name, groups, now)
		if err != nil {
			return err
		}
		files[strings.TrimPrefix(name, "system:")+".kubeconfig"] = kubeconfig(s.server(), ca.Certificate, pair)
	}
	for name, data := range files {
		if err := os.WriteFile(s.file(name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s settings) etcdArgs() []string {
	client, peer := "http://"+loopback(s.etcd), "http://"+loopback(s.peer)
	return []string{
		"--data-dir=" + s.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}
}

func (s settings) apiServerArgs() []string {
	return []string{
		"--etcd-servers=http://" + loopback(s.etcd),
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(s.api),
		// The address of the loopback is none that an EndpointSlice may hold, so the
		// server does not announce itself.
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + s.ServiceRanges,
		"--authorization-mode=Node,RBAC", "--allow-privileged",
		"--client-ca-file=" + s.file("ca.crt"),
		"--tls-cert-file=" + s.file("apiserver.crt"), "--tls-private-key-file=" + s.file("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + s.file("accounts.crt"), "--service-account-signing-key-file=" + s.file("accounts.key"),
	}
}

func (s settings) controllerManagerArgs() []string {
	args := []string{
		"--kubeconfig=" + s.file("kube-controller-manager.kubeconfig"), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(s.controllers),
		"--tls-cert-file=" + s.file("apiserver.crt"), "--tls-private-key-file=" + s.file("apiserver.key"),
		"--controllers=" + s.Controllers,
		"--service-cluster-ip-range=" + s.ServiceRanges,
		"--allocate-node-cidrs", "--cluster-cidr=" + s.PodRanges,
		"--root-ca-file=" + s.file("ca.crt"), "--service-account-private-key-file=" + s.file("accounts.key"),
		"--use-service-account-credentials",
	}
	masks := []struct {
		flag string
		size int
	}{{"--node-cidr-mask-size-ipv4", s.NodeMask4}, {"--node-cidr-mask-size-ipv6", s.NodeMask6}}
	for _, mask := range masks {
		if mask.size > 0 {
			args = append(args, mask.flag+"="+strconv.Itoa(mask.size))
		}
	}
	return args
}

// ready waits until url answers, or one of the processes ends.
func (s settings) ready(ctx context.Context, url string, processes []*process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client, err := s.client()
	if err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok(ctx, client, url) {
			return nil
		}
		for _, p := range processes {
			select {
			case <-p.Done():
				return p.Failure()
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the logs are in %s", context.Cause(ctx), s.Dir)
		case <-tick.C:
		}
	}
}

func (s settings) client() (*http.Client, error) {
	authority, err := os.ReadFile(s.file("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}, nil
}

func ok(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}
