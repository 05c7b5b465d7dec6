package render

import (
	"fmt"
	"regexp"
	"strings"
)

// lines is a file that is no YAML, in the making.
type lines struct {
	comment string // what a comment begins with
	text    []string
}

// say adds a comment of one line or more.
func (l *lines) say(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		l.text = append(l.text, strings.TrimRight(l.comment+" "+oneLine(line), " "))
	}
}

func (l *lines) add(format string, args ...any) {
	l.text = append(l.text, fmt.Sprintf(format, args...))
}

// why adds a line with a comment behind it, in files that take one there.
func (l *lines) why(reason, format string, args ...any) {
	l.add("%s %s %s", fmt.Sprintf(format, args...), l.comment, oneLine(reason))
}

func (l *lines) bytes() []byte { return []byte(strings.Join(l.text, "\n") + "\n") }

// nicName is the names of interfaces that no file reads as something else; the kernel
// takes 15 bytes.
var nicName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)

// nic is the nodes' interface on the LAN. One that is missing, or could not be written,
// is a fault.
func (j *job) nic() string {
	const field = "spec.lan.interface"
	switch name := j.plan.LAN.Interface; {
	case name == "":
		j.fault(field, "is not given")
	case !nicName.MatchString(name):
		j.fault(field, "%q is no name of an interface: want up to 15 letters, digits, dots, underscores and hyphens", oneLine(name))
	default:
		return name
	}
	return ""
}

// The placeholders of the router's interfaces.
const (
	lanNIC    = "${LAN_INTERFACE}"
	uplinkNIC = "${UPLINK_INTERFACE}"
)
