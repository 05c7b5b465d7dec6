package probe

import (
	_ "embed" // the script is a file that a shell's own tools can look at
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// Question is what a probe is to find out over one family.
type Question struct {
	Family ipfam.Family
	Name   string // to be resolved, and to be said to the server; may be empty
	// Target is where to connect to. Where its address is the zero one the Name is asked
	// for it; where its port is 0 no connection is tried.
	Target    netip.AddrPort
	HTTP      bool // whether to speak HTTP; HTTPS on the ports that are known for it
	Path      string
	Rungs     []trace.Rung // hosts on the way; those of port 0 get an echo request
	Seconds   int          // that one attempt may take; 0 is 3
	FirstHops bool         // whether to look at the routers of the way, and at its MTU
	Router    bool         // whether the router of the default route is a rung too
}

// Within is how many seconds the script takes at the most.
func Within(qs []Question) int {
	most := 0
	for _, q := range qs {
		most = max(most, q.seconds())
	}
	return 2*most + 3
}

func (q Question) seconds() int {
	if q.Seconds <= 0 {
		return 3
	}
	return q.Seconds
}

//go:embed trace.sh
var traceShell string

// TraceScript is a script for any POSIX shell that answers the questions, one of each
// family, both families at once, in lines that ReadTrace reads. It uses what the image
// has, pins each attempt to its family, limits its time, and writes no file.
func TraceScript(qs []Question) string {
	var b strings.Builder
	b.WriteString(traceShell)
	b.WriteString("say 0 start\nproc\n")
	for _, f := range ipfam.All {
		if i := slices.IndexFunc(qs, func(q Question) bool { return q.Family == f }); i >= 0 {
			qs[i].write(&b)
		}
	}
	b.WriteString("wait\nsay 0 end\n")
	return b.String()
}

// write has the script ask in a shell of its own, so that the variables of both families
// do not meet.
func (q Question) write(b *strings.Builder) {
	host := ""
	if a := q.Target.Addr(); ipfam.Of(a) == q.Family {
		host = a.Unmap().String()
	}
	set := func(name, value string) { fmt.Fprintf(b, "\t%s=%s\n", name, quote(value)) }
	b.WriteString("(\n")
	fmt.Fprintf(b, "\tF=%d S=%d port=%d\n", q.Family, q.seconds(), q.Target.Port())
	set("host", host)
	set("name", q.Name)
	set("scheme", q.scheme())
	set("path", q.path())
	url, header, to := q.url(host)
	set("url", url)
	set("header", header)
	set("to", to)
	hops := ""
	if q.FirstHops {
		hops = "yes"
	}
	set("hops", hops)
	b.WriteString("\tsay \"$F\" target \"$port\" \"$host\"\n")
	for i, r := range q.Rungs {
		if ipfam.Of(r.To.Addr()) == q.Family {
			to := r.To.Addr().Unmap().String()
			fmt.Fprintf(b, "\tsay \"$F\" rung%d to %d %s %s\n", i, r.To.Port(), quote(to), quote(r.Name))
			fmt.Fprintf(b, "\trung %d %s %d &\n", i, quote(to), r.To.Port())
		}
	}
	if q.Router {
		b.WriteString("\trouter &\n")
	}
	b.WriteString("\ttarget\n) &\n")
}

// The ports at which a server of HTTP wants TLS: the web's, its usual second one, and the
// API server's.
var tlsPorts = []uint16{443, 8443, 6443}

func (q Question) scheme() string {
	switch {
	case !q.HTTP:
		return ""
	case slices.Contains(tlsPorts, q.Target.Port()):
		return "https"
	}
	return "http"
}

// path is the path of the URL, in the characters that a URL has.
func (q Question) path() string {
	var b strings.Builder
	if !strings.HasPrefix(q.Path, "/") {
		b.WriteByte('/')
	}
	for _, c := range []byte(q.Path) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// url is what curl is to get, with the header or the redirection of the connection that
// makes it go to the literal address while the server hears the name.
func (q Question) url(host string) (url, header, to string) {
	if !q.HTTP || host == "" && q.Name == "" {
		if !q.HTTP && host == "" && q.Name != "" {
			return fmt.Sprintf("telnet://%s:%d", q.Name, q.Target.Port()), "", ""
		}
		return "", "", ""
	}
	literal := netip.AddrPortFrom(q.Target.Addr().Unmap(), q.Target.Port()).String()
	named := fmt.Sprintf("%s:%d", q.Name, q.Target.Port()) //nolint:nosprintfhostport // a name
	switch {
	case host == "":
		return q.scheme() + "://" + named + q.path(), "", ""
	case q.Name == "":
		return q.scheme() + "://" + literal + q.path(), "", ""
	case q.scheme() == "https": // the name is in the handshake too; --connect-to is in curl 7.49
		return "https://" + named + q.path(), "", "::" + literal
	}
	return "http://" + literal + q.path(), "Host: " + q.Name, ""
}

// quote is s as one word of a shell. What is no text of one line has no business in it.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
