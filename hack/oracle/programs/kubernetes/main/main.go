// Program main asks Kubernetes itself about the plans on stdin, one JSON object a
// line, and writes one line for each: the verdicts of kubeadm, kube-apiserver,
// its allocators, kube-controller-manager and the API, with tabs between them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// plan is a case, as its generator writes it.
type plan struct {
	Families []string
	Services []string
	Pods     []string
	Masks    []int
}

// mask is the node mask of a family; 0 when it was not given.
func (p plan) mask(family string) int {
	for i, f := range p.Families {
		if f == family {
			return p.Masks[i]
		}
	}
	return 0
}

func main() {
	klog.SetLogger(logr.Discard())
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	verdicts := []func(plan) string{kubeadm, apiServer, allocators, controllerManager, objects}
	decoder, w := json.NewDecoder(in), bufio.NewWriter(out)
	for {
		var p plan
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return w.Flush()
		case err != nil:
			return err
		}
		var columns []string
		for _, verdict := range verdicts {
			columns = append(columns, guarded(verdict, p))
		}
		if _, err := fmt.Fprintln(w, strings.Join(columns, "\t")); err != nil {
			return err
		}
	}
}

// guarded is a verdict, or "panic" where the component itself panics.
func guarded(verdict func(plan) string, p plan) (text string) {
	defer func() {
		if recover() != nil {
			text = "panic"
		}
	}()
	return verdict(p)
}

// sign is + for what is taken and - for what is refused.
func sign(taken bool) string {
	if taken {
		return "+"
	}
	return "-"
}
