package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// unsure is trace's exit status when it cannot be told whether the target is reached, as
// it cannot beyond the nodes without a plan.
const unsure = 2

// side is the commands of one side of a comparison, run one after the other.
type side struct {
	program string
	args    [][]string
}

// usage is what a run took.
type usage struct {
	elapsed time.Duration
	cpu     time.Duration // of the processes, in user mode and in the kernel
	memory  int64         // the most that one of them had, in bytes
}

// trace times it beside kubectl get of the Pod, and of all CiliumNodes where an address
// may be any node's.
func (o options) trace(ctx context.Context, out io.Writer) error {
	if err := o.fillFleet(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // what a process begins with counts as the most that its child has
	api, stop, err := o.proxy(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := fmt.Fprintf(out, "\n%d Nodes and CiliumNodes, %d Pods; medians of %d runs of each, in turns\n", o.nodes, o.pods, o.runs); err != nil {
		return err
	}
	web := []string{"-n", fleet, "web-00000"}
	getPod := append([]string{"get", "pod", "-o", "json"}, web...)
	tracePod := append([]string{"trace", "pod"}, web...)
	all := []string{"get", "ciliumnodes"}
	for _, c := range []struct{ ours, theirs [][]string }{
		{[][]string{tracePod}, [][]string{getPod}},
		{[][]string{append(tracePod[:5:5], "--to", "pod/web-00001:8080")}, [][]string{getPod}},
		{[][]string{append(tracePod[:5:5], "--to", "198.51.100.7,2001:db8:ffff::7")}, [][]string{getPod, all}},
		{[][]string{{"trace", "ds/agent", "-n", fleet, "--all-nodes"}}, [][]string{{"get", "pods", "-n", fleet, "-l", "app=agent", "-o", "json"}, {"get", "nodes"}, all}},
	} {
		if err := o.beside(ctx, out, api, side{o.plugin, c.ours}, side{o.kubectl, c.theirs}); err != nil {
			return err
		}
	}
	return nil
}

// beside runs both sides in turns and prints what they take.
func (o options) beside(ctx context.Context, out io.Writer, api string, sides ...side) error {
	used := make([][]usage, len(sides))
	for range o.runs {
		for i, s := range sides {
			u, err := s.run(ctx)
			if err != nil {
				return err
			}
			used[i] = append(used[i], u)
		}
	}
	var first time.Duration
	for i, s := range sides {
		var elapsed, cpu []time.Duration
		var memory int64
		for _, u := range used[i] {
			elapsed, cpu, memory = append(elapsed, u.elapsed), append(cpu, u.cpu), max(memory, u.memory)
		}
		took := median(elapsed)
		requests, size, err := o.requestsOf(ctx, api, s)
		if err != nil {
			return err
		}
		ratio := ""
		if i == 0 {
			first = took
		} else {
			ratio = fmt.Sprintf(", ratio %.2f", float64(first)/float64(took))
		}
		if _, err := fmt.Fprintf(out, "%8s  cpu %8s  %4d MiB  %3d requests  %6.2f MB  %s%s\n", took.Round(time.Millisecond), median(cpu).Round(time.Millisecond),
			memory>>20, requests, float64(size)/1e6, s, ratio); err != nil {
			return err
		}
	}
	return nil
}

func (o options) requestsOf(ctx context.Context, api string, s side) (requests, size int64, err error) {
	for _, args := range s.args {
		n, read, err := o.requests(ctx, api, s.program, args...)
		if err != nil {
			return 0, 0, err
		}
		requests, size = requests+n, size+read
	}
	return requests, size, nil
}

func (s side) run(ctx context.Context) (used usage, err error) {
	for _, args := range s.args {
		cmd := exec.CommandContext(ctx, s.program, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		start := time.Now()
		err := cmd.Run()
		used.elapsed += time.Since(start)
		if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != unsure) {
			return used, fmt.Errorf("%s %s: %w\n%s", s.program, strings.Join(args, " "), err, stderr.String())
		}
		used.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			used.memory = max(used.memory, r.Maxrss*1024) // Linux counts it in KiB
		}
	}
	return used, nil
}

func (s side) String() string {
	name := s.program[strings.LastIndex(s.program, "/")+1:]
	var commands []string
	for _, args := range s.args {
		commands = append(commands, name+" "+strings.Join(args, " "))
	}
	return strings.Join(commands, "; ")
}
