// Program main asks Cilium itself about the plans on stdin, one JSON object a
// line, and writes one line for each: the verdicts of the operator's cluster pool
// and of the agents' allocator of a node's block, with a tab between them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// plan is a case, as its generator writes it.
type plan struct {
	Families []string
	Pods     []string
	Masks    []int
}

// defaultMask is the node mask of a plan that has none.
var defaultMask = map[string]int{"ipv4": 24, "ipv6": 64}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	decoder, w := json.NewDecoder(in), bufio.NewWriter(out)
	for {
		var p plan
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return w.Flush()
		case err != nil:
			return err
		}
		var operator, agent []string
		for i, family := range p.Families {
			mask := p.Masks[i]
			if mask == 0 {
				mask = defaultMask[family]
			}
			o, a := guarded(family == "ipv6", p.Pods[i], mask)
			operator, agent = append(operator, o), append(agent, a)
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\n", strings.Join(operator, " "), strings.Join(agent, " ")); err != nil {
			return err
		}
	}
}

// guarded is the two verdicts, or "panic" where Cilium itself panics.
func guarded(v6 bool, pods string, mask int) (operator, agent string) {
	defer func() {
		if recover() != nil {
			operator, agent = "panic", "panic"
		}
	}()
	return judge(v6, pods, mask)
}

// sign is + for what is taken and - for what is refused.
func sign(taken bool) string {
	if taken {
		return "+"
	}
	return "-"
}
