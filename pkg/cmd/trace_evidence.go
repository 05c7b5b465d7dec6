package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// evidence is all that a trace is made of, as --save writes it.
type evidence struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Query      trace.Query         `json:"query"`
	Chosen     string              `json:"chosen,omitempty"`
	Plan       string              `json:"plan,omitempty"` // the text of its file
	PlanFile   string              `json:"planFile,omitempty"`
	Scene      *snapshot.Scene     `json:"scene"`
	Seen       []trace.Observation `json:"seen,omitempty"`

	plan *plan.Plan
}

const evidenceKind = "TraceEvidence"

func newEvidence(s *snapshot.Scene, p *plan.Plan, text []byte, q trace.Query, chosen string) *evidence {
	e := &evidence{APIVersion: plan.APIVersion, Kind: evidenceKind, Query: q, Chosen: chosen, Scene: s, plan: p}
	if p != nil {
		e.Plan, e.PlanFile = string(text), p.Source()
	}
	return e
}

// trace is what the evidence says.
func (e *evidence) trace() trace.Trace {
	q := e.Query
	if q.Target.Name != "" { // the addresses that the Pod was given for it are those that it goes to
		for _, o := range e.Seen {
			a := o.Dialed.Addr()
			if f := ipfam.Of(a); f.Valid() && !q.Target.Addresses.Of(f).IsValid() {
				*q.Target.Addresses.At(f) = a
			}
		}
	}
	t := trace.Predict(e.Scene, e.plan, q)
	t.Chosen = e.Chosen
	if len(e.Seen) > 0 {
		t.Compare(e.Scene, e.Seen)
	}
	return t
}

// save writes the evidence to a file that nobody else may read, also where there was one
// before that others could. What is no file, such as /dev/stdout, stays as it is.
func (e *evidence) save(path string) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, evidenceMode)
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if is, err := f.Stat(); err == nil && is.Mode().IsRegular() {
		if err := f.Chmod(evidenceMode); err != nil {
			return errors.Join(fmt.Errorf("--save: %w", err), f.Close())
		}
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}

// evidenceMode is of a file with addresses, names and policies of a cluster.
const evidenceMode = 0o600

// readEvidence reads what save wrote, from a file or standard input. A field that is not
// known is refused: what a newer release has found may hang on it.
func readEvidence(path string, stdin io.Reader) (*evidence, error) {
	path, data, err := readNamed(path, stdin)
	if err != nil {
		return nil, err
	}
	var header struct{ APIVersion, Kind string }
	if err := json.Unmarshal(data, &header); err != nil {
		return nil, fmt.Errorf("%s is not what trace --save writes: %w", path, err)
	}
	if header.Kind != evidenceKind || header.APIVersion != plan.APIVersion {
		return nil, fmt.Errorf("%s is kind %q of apiVersion %q: want %s of %s, as trace --save writes it", path, header.Kind, header.APIVersion, evidenceKind, plan.APIVersion)
	}
	e := &evidence{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(e); err != nil {
		return nil, fmt.Errorf("%s is not what trace --save writes: %w", path, err)
	}
	if e.Scene == nil {
		return nil, fmt.Errorf("%s has no scene: it is not all that trace --save writes", path)
	}
	if e.Plan != "" {
		p, problems := plan.Parse(e.PlanFile, []byte(e.Plan))
		if p == nil {
			return nil, fmt.Errorf("%s: its plan: %w", path, planErrors(e.PlanFile, problems))
		}
		e.plan = p
	}
	return e, nil
}

// kubeletPort answers on every node.
const kubeletPort = 10250

// questions is what to try over each family: the target, and hosts on the way to it.
func (e *evidence) questions(peers ipfam.Pair[netip.Addr]) []probe.Question {
	var qs []probe.Question
	t := e.Query.Target.Settle(e.Scene)
	if t.Kind == trace.ToService && !t.Addresses.V4.IsValid() && !t.Addresses.V6.IsValid() {
		t.Name = t.Ref.Name + "." + t.Ref.Namespace + ".svc" // headless: its name has the Pods' addresses
	}
	for _, f := range ipfam.All {
		if !t.Families().Has(f) {
			continue
		}
		q := probe.Question{Family: f, Name: t.Name, Target: netip.AddrPortFrom(t.Addresses.Of(f), t.Port), HTTP: true, Path: "/", Seconds: probeSeconds, FirstHops: true}
		if t.Name == "" && !t.Addresses.Of(f).IsValid() {
			continue // the target has no address of the family
		}
		node, _ := e.Scene.NodeOf(e.Scene.Source.Node)
		if node != nil {
			if own := snapshot.Of(node.InternalIPs, f); own.IsValid() {
				q.Rungs = append(q.Rungs, trace.Rung{Name: trace.RungNode, To: netip.AddrPortFrom(own, kubeletPort)})
			}
		}
		if peer := peers.Of(f); peer.IsValid() {
			q.Rungs = append(q.Rungs, trace.Rung{Name: trace.RungPeer, To: netip.AddrPortFrom(peer, kubeletPort)})
		}
		qs = append(qs, q)
	}
	return qs
}

// probeSeconds is how long one connection may take to be made.
const probeSeconds = 2
