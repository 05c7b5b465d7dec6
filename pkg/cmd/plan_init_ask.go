package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/draft"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// isTerminal reports whether somebody sits at a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// conversation is where questions are put to somebody who sits at in: on standard
// error, or, where that goes elsewhere, on the terminal itself. There is none when
// nobody is there to answer.
func conversation(in, errOut any) (out io.Writer, end func(), ok bool) {
	if !isTerminal(in) {
		return nil, nil, false
	}
	if w, isWriter := errOut.(io.Writer); isWriter && isTerminal(errOut) {
		return w, func() {}, true
	}
	tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		return nil, nil, false
	}
	return tty, func() { _ = tty.Close() }, true
}

// asker asks questions on a terminal.
type asker struct {
	ctx   context.Context // of the one command whose questions it puts
	out   io.Writer
	lines chan string
	err   error // of the end of the answers; set before lines is closed
}

func newAsker(ctx context.Context, in io.Reader, out io.Writer) *asker {
	a := &asker{ctx: ctx, out: out, lines: make(chan string)}
	go func() {
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case a.lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		a.err = scanner.Err()
		close(a.lines)
	}()
	return a
}

// errNoAnswer is the end of the answers before that of the questions.
var errNoAnswer = errors.New("no answer, and nothing was written")

// question is one line of why, what is asked, and what an empty answer means.
type question struct {
	why, ask, standard string
	take               func(answer string) error
}

// put asks until the answer makes sense. It comes back at once when the context
// ends: then nothing has been written.
func (a *asker) put(q question) error {
	fmt.Fprintf(a.out, "\n%s\n", q.why)
	for {
		fmt.Fprintf(a.out, "%s [%s]: ", q.ask, q.standard)
		select {
		case <-a.ctx.Done():
			fmt.Fprintln(a.out)
			return a.ctx.Err()
		case line, ok := <-a.lines:
			if !ok {
				fmt.Fprintln(a.out)
				return errors.Join(errNoAnswer, a.err)
			}
			answer := strings.TrimSpace(line)
			if answer == "" {
				answer = q.standard
			}
			err := q.take(answer)
			if err == nil {
				return nil
			}
			fmt.Fprintf(a.out, "%s\n", report.EscapeText(err.Error()))
		}
	}
}

// standardLAN is the network that most home routers make.
const standardLAN = "192.168.1.0/24"

// ask asks for what was not given in flags. The questions are few: what a plan has
// besides has a usual value.
func (w *initWords) ask(a *asker, ula *bool, given func(flag string) bool) error {
	families := func() ipfam.Set {
		var d draft.Demand
		if w.parseFamilies(&d) != nil || len(d.Families) == 0 {
			return ipfam.SetOf(ipfam.All[:]...)
		}
		return ipfam.SetOf(d.Families...)
	}
	v4, v6 := families().Has(ipfam.V4), families().Has(ipfam.V6)
	var lan ipfam.Pair[bool]
	for _, text := range w.lan {
		if p, err := netip.ParsePrefix(text); err == nil {
			*lan.At(ipfam.OfPrefix(p)) = true
		}
	}
	for _, q := range []struct {
		wanted bool
		question
	}{
		{v6 && !given("delegated") && !given("ula") && !given("ula-seed"), question{
			"With a prefix from the provider, pods have public addresses. Without one they get unique local ones, and leave with a node's.",
			"IPv6 prefix that the provider routes here", "none", w.takeDelegated(ula)}},
		{v4 && !lan.V4, question{
			"Load balancers get addresses of the nodes' own network, and pods must not.",
			"IPv4 network of the nodes", standardLAN, w.takeLAN(ipfam.V4)}},
		{v6 && !lan.V6, question{
			"The same in IPv6; left out, it is the first free /64 of the prefix.",
			"IPv6 network of the nodes", "first free", w.takeLAN(ipfam.V6)}},
		{!given("reserved") && !given("pool"), question{
			"Load balancers must not get what routers, DHCP and other hosts have.",
			"Addresses of the network that are in use (FROM-TO, with commas between)", "none", w.takeReserved}},
		{!given("nodes"), question{
			"Every node gets a block of pod addresses of each family; a range has room for so many blocks and no more.",
			"Nodes, in some years", fmt.Sprint(draft.DefaultNodes), takeNumber("--nodes", 1, &w.nodes)}},
		{!given("pods-per-node"), question{
			"A node's block has to hold its pods; kubelet runs 110 unless it is told otherwise.",
			"Pods on a node", fmt.Sprint(draft.DefaultPodsPerNode), takeNumber("--pods-per-node", 1, &w.podsPerNode)}},
		{!given("services"), question{
			"A Service range cannot be changed easily.",
			"Services", fmt.Sprint(draft.DefaultServices), takeNumber("--services", 1, &w.services)}},
		{!given("load-balancers") && !given("pool"), question{
			"Each Service that those outside are to reach gets an address of each family.",
			"Services with an address for those outside", fmt.Sprint(draft.DefaultLoadBalancers), takeNumber("--load-balancers", 0, &w.loadBalancers)}},
	} {
		if !q.wanted {
			continue
		}
		if err := a.put(q.question); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out)
	return nil
}

func (w *initWords) takeDelegated(ula *bool) func(string) error {
	return func(answer string) error {
		if answer == "none" {
			*ula = true
			return nil
		}
		var p netip.Prefix
		if err := prefixWord("", answer, ipfam.V6, &p); err != nil {
			return trimmed(err)
		}
		w.delegated = answer
		return nil
	}
}

func (w *initWords) takeLAN(f ipfam.Family) func(string) error {
	return func(answer string) error {
		if answer == "first free" {
			return nil
		}
		var p netip.Prefix
		if err := prefixWord("", answer, f, &p); err != nil {
			return trimmed(err)
		}
		w.lan = append(w.lan, answer)
		return nil
	}
}

func (w *initWords) takeReserved(answer string) error {
	if answer == "none" {
		return nil
	}
	texts := strings.Split(answer, ",")
	draft := draft.Demand{}
	if err := addrsWords("", texts, &draft.Reserved); err != nil {
		return trimmed(err)
	}
	w.reserved = texts
	return nil
}

func takeNumber(flag string, least int, at *string) func(string) error {
	return func(answer string) error {
		var n int
		if err := numberWord(flag, answer, least, &n); err != nil {
			return err
		}
		*at = answer
		return nil
	}
}

// trimmed is an error about a flag without the flag.
func trimmed(err error) error { return errors.New(strings.TrimSpace(err.Error())) }
