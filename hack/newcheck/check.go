package main

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
)

// check is the check that is to be written.
type check struct {
	ID    string
	Name  string
	Var   string // its variable in the package of the area
	Area  catalog.Area
	Since string // the release that is being worked on
}

var (
	idForm   = regexp.MustCompile(`^DS[1-9][0-9]{2}$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)
)

func newCheck(id, name string) (check, error) {
	if !idForm.MatchString(id) {
		return check{}, fmt.Errorf("ID=%q: want DS and three digits, such as DS614", id)
	}
	if !nameForm.MatchString(name) {
		return check{}, fmt.Errorf("NAME=%q: want two or more words of small letters, such as service-external-ips", name)
	}
	i := slices.IndexFunc(catalog.Areas, func(a catalog.Area) bool { return strings.HasPrefix(id, a.Prefix) })
	if i < 0 {
		return check{}, fmt.Errorf("ID=%s: there is no such area; want %s", id, areas())
	}
	if last := name[strings.LastIndexByte(name, '-')+1:]; constraints[last] {
		return check{}, fmt.Errorf("NAME=%s: Go reads a file name that ends in _%s as a build constraint; end it in another word", name, last)
	}
	return check{ID: id, Name: name, Var: variable(name), Area: catalog.Areas[i]}, nil
}

// areas is "DS1.. (plan and ranges), DS2.. (control plane), …".
func areas() string {
	var list []string
	for _, a := range catalog.Areas {
		list = append(list, fmt.Sprintf("%s.. (%s)", a.Prefix, a.Title))
	}
	return strings.Join(list, ", ")
}

// free is the reason why c's ID or name is taken, if one of them is.
func (c check) free(taken []*checks.Check) error {
	for _, t := range taken {
		switch {
		case t.ID == c.ID:
			return fmt.Errorf("ID=%s is taken: it is %s; free in this area is %s", c.ID, t.Name, c.nextFree(taken))
		case t.Name == c.Name:
			return fmt.Errorf("NAME=%s is taken: it is %s", c.Name, t.ID)
		}
	}
	return nil
}

// nextFree is the ID after the last of c's area, or "none".
func (c check) nextFree(taken []*checks.Check) string {
	last := 0
	for _, t := range taken {
		var n int
		if _, err := fmt.Sscanf(t.ID, c.Area.Prefix+"%02d", &n); err == nil {
			last = max(last, n)
		}
	}
	if last == 99 {
		return "none"
	}
	return fmt.Sprintf("%s%02d", c.Area.Prefix, last+1)
}

// file is the name of c's file.
func (c check) file() string { return strings.ReplaceAll(c.Name, "-", "_") + ".go" }

// variable is name in the spelling of Go: "service-external-ips" is
// serviceExternalIPs.
func variable(name string) string {
	words := strings.Split(name, "-")
	for i, w := range words[1:] {
		words[i+1] = capital(w)
	}
	v := strings.Join(words, "")
	if token.IsKeyword(v) {
		return v + "Check"
	}
	return v
}

func capital(word string) string {
	if spelling, ok := initialisms[word]; ok {
		return spelling
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

var initialisms = map[string]string{
	"api": "API", "bgp": "BGP", "bpf": "BPF", "cidr": "CIDR", "cidrs": "CIDRs", "cni": "CNI", "crd": "CRD", "dhcp": "DHCP", "dns": "DNS",
	"id": "ID", "ip": "IP", "ipam": "IPAM", "ips": "IPs", "lan": "LAN", "lb": "LB", "mtu": "MTU", "nat": "NAT", "ndp": "NDP", "url": "URL",
}

// constraints is the last words of a file name that keep the compiler from
// reading it: tests, operating systems and processors.
var constraints = map[string]bool{
	"test": true,
	"aix":  true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "illumos": true, "ios": true, "js": true,
	"linux": true, "netbsd": true, "openbsd": true, "plan9": true, "solaris": true, "wasip1": true, "windows": true,
	"386": true, "amd64": true, "arm": true, "arm64": true, "loong64": true, "mips": true, "mips64": true, "mips64le": true,
	"mipsle": true, "ppc64": true, "ppc64le": true, "riscv64": true, "s390x": true, "wasm": true,
}
