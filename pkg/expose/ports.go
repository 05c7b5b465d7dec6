package expose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Port is a port of the Service as the command line has it: NAME=PORT:TARGET/PROTOCOL,
// of which only PORT must be there.
type Port struct {
	Name     string
	Number   int
	Target   string // a number or the name of a container's port; empty is the same number
	Protocol string // empty is TCP, or what the exposed object says
}

var protocols = []string{"TCP", "UDP", "SCTP"}

// ParsePort reads NAME=PORT:TARGET/PROTOCOL. What a name may look like the API server
// says.
func ParsePort(text string) (p Port, err error) {
	rest := text
	if name, after, ok := strings.Cut(rest, "="); ok {
		if name == "" {
			return p, fmt.Errorf("%q: nothing before the equals sign", text)
		}
		p.Name, rest = name, after
	}
	if before, protocol, ok := strings.Cut(rest, "/"); ok {
		p.Protocol, rest = strings.ToUpper(protocol), before
		if !slices.Contains(protocols, p.Protocol) {
			return p, fmt.Errorf("%q: protocol %q: want %s", text, protocol, strings.Join(protocols, ", "))
		}
	}
	if before, target, ok := strings.Cut(rest, ":"); ok {
		if target == "" {
			return p, fmt.Errorf("%q: nothing after the colon", text)
		}
		if n, err := strconv.Atoi(target); err == nil && !isPort(n) {
			return p, fmt.Errorf("%q: target %d: want 1 to 65535", text, n)
		}
		p.Target, rest = target, before
	}
	if p.Number, err = strconv.Atoi(rest); err != nil || !isPort(p.Number) {
		return p, fmt.Errorf("%q: port %q: want 1 to 65535", text, rest)
	}
	return p, nil
}

// ParsePorts reads the values of a flag that may be repeated. Plain is whether they are
// one value that «kubectl expose» would take, which then reads it itself: a number, or
// numbers with commas.
func ParsePorts(values []string) (ports []Port, plain bool, err error) {
	if len(values) == 0 || len(values) == 1 && !strings.ContainsAny(values[0], "=:/") {
		return nil, true, nil
	}
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			p, err := ParsePort(text)
			if err != nil {
				return nil, false, err
			}
			ports = append(ports, p)
		}
	}
	return ports, false, twice(ports)
}

// twice refuses two ports of the same number and protocol, or of the same name.
func twice(ports []Port) error {
	for i, p := range ports {
		for _, q := range ports[:i] {
			switch {
			case p.Number == q.Number && p.protocol() == q.protocol():
				return fmt.Errorf("%d/%s is given twice", p.Number, p.protocol())
			case p.Name != "" && p.Name == q.Name:
				return fmt.Errorf("two ports have the name %q", p.Name)
			}
		}
	}
	return nil
}

func (p Port) protocol() string {
	if p.Protocol == "" {
		return protocols[0]
	}
	return p.Protocol
}

// Named gives a name to each port that has none, where there is more than one: the API
// server asks for that. The names are those that «kubectl expose» gives.
func Named(ports []Port) []Port {
	if len(ports) < 2 {
		return ports
	}
	named := slices.Clone(ports)
	for i, p := range named {
		if p.Name != "" {
			continue
		}
		name := fmt.Sprintf("port-%d", i+1)
		if slices.ContainsFunc(ports, func(q Port) bool { return q.Number == p.Number && q.protocol() != p.protocol() }) {
			name += "-" + strings.ToLower(p.protocol())
		}
		named[i].Name = name
	}
	return named
}

func isPort(n int) bool { return 1 <= n && n <= 65535 }
