//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// allocating is the namespace of the Services that MetalLB is tried with.
const allocating = "allocation"

// marker is the name of a Service that tells when MetalLB has worked off what came
// before, of its namespace, and of a pool that is for it alone.
const marker = "marker"

// startMarker makes the marker, and waits until it has an address.
func (c *cluster) startMarker() {
	c.t.Helper()
	c.namespace(marker)
	c.put(addressPool(marker, with(ranges("192.168.31.0/30"), "serviceAllocation", forNamespaces(marker))), "e2e")
	u := object("v1", "Service", marker, marker, map[string]any{"spec": loadBalancer("SingleStack", "IPv4")})
	u.SetAnnotations(map[string]string{"metallb.io/loadBalancerIPs": "192.168.31.1"})
	c.put(u, "e2e")
	c.eventually("MetalLB to give the marker its address", func() bool { return slices.Equal(ingress(c.service(marker, marker)), []string{"192.168.31.1"}) })
}

// settle waits until MetalLB is done. It works off its queue in order, so that the marker,
// which changes last, gets its other address last. It does so twice, because MetalLB looks
// again at what it has written itself.
func (c *cluster) settle() {
	c.t.Helper()
	for range 2 {
		next := "192.168.31.1"
		if slices.Contains(ingress(c.service(marker, marker)), next) {
			next = "192.168.31.2"
		}
		c.patch(marker, marker, fmt.Sprintf(`{"metadata":{"annotations":{"metallb.io/loadBalancerIPs":%q}}}`, next))
		c.eventually("MetalLB to move the marker", func() bool { return slices.Contains(ingress(c.service(marker, marker)), next) })
	}
}

// service is a Service of the API server.
func (c *cluster) service(namespace, name string) *unstructured.Unstructured {
	c.t.Helper()
	u, err := c.client.Resource(services).Namespace(namespace).Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return u
}

// patch changes a Service by a merge patch.
func (c *cluster) patch(namespace, name, patch string) {
	c.t.Helper()
	_, err := c.client.Resource(services).Namespace(namespace).Patch(c.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "e2e"})
	if err != nil {
		c.t.Fatalf("patch %s/%s: %v\n%s", namespace, name, err, patch)
	}
}

// sequence is Services that are made and changed one after the other. After each step
// what MetalLB makes of the Service is compared with what Predict says.
type sequence struct {
	*cluster
	pools []unstructured.Unstructured
	names []string      // of the Services that there are
	seen  *checks.Input // what there was after the last step
	steps []string      // what was done
	since int           // the resource version before the last change
}

// begin is a sequence with these pools, and the marker's, alone. It waits until MetalLB
// has them.
func (c *cluster) begin(pools []*unstructured.Unstructured) *sequence {
	c.t.Helper()
	s := &sequence{cluster: c}
	for _, p := range pools {
		s.note(p.GetName(), p.Object["spec"])
		c.put(p.DeepCopy(), "e2e")
	}
	for _, p := range pools {
		var made *unstructured.Unstructured
		c.eventually("MetalLB to take pool "+p.GetName(), func() bool {
			var err error
			if made, err = c.resource(p).Get(c.t.Context(), p.GetName(), metav1.GetOptions{}); err != nil {
				c.t.Fatal(err)
			}
			return counted(made)
		})
		s.pools = append(s.pools, *made)
	}
	s.seen = s.look()
	return s
}

// end leaves nothing of the sequence.
func (s *sequence) end() {
	s.t.Helper()
	for _, name := range slices.Clone(s.names) {
		s.drop(name)
	}
	for _, p := range s.pools {
		s.remove(&p)
	}
}

func (s *sequence) note(name string, what any) {
	s.t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		s.t.Fatal(err)
	}
	s.steps = append(s.steps, name+": "+string(text))
}

// look reads what Predict is told of. It gets objects one by one, for to answer a list
// the API server waits until its cache is up to date, and by way of files, since FromCluster
// lists; sameFacts holds the one way to the other.
func (s *sequence) look() *checks.Input {
	s.t.Helper()
	all := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}, Items: slices.Clone(s.pools)}
	for _, name := range s.names {
		all.Items = append(all.Items, *s.service(allocating, name))
	}
	data, err := all.MarshalJSON()
	if err != nil {
		s.t.Fatal(err)
	}
	snap, err := snapshot.FromFiles([]string{"-"}, snapshot.FileOptions{Stdin: bytes.NewReader(data)})
	if err != nil {
		s.t.Fatal(err)
	}
	return checks.NewInput(nil, snap)
}

// make makes a Service and is what MetalLB gives it: addresses, or its words.
func (s *sequence) make(name string, r request) (string, metallb.Outcome) {
	s.t.Helper()
	u := object("v1", "Service", allocating, name, map[string]any{"spec": r.spec})
	u.SetAnnotations(r.annotations)
	s.note(name, u.Object)
	s.put(u, "e2e")
	s.names = append(s.names, name)
	s.eventually("MetalLB to give "+name+" addresses, or to say why not", func() bool {
		u := s.service(allocating, name)
		return len(ingress(u)) > 0 || s.refusal(u) != ""
	})
	return s.compare(name)
}

// rest waits until nothing moves any more.
func (s *sequence) rest() {
	s.t.Helper()
	s.settle()
	s.seen = s.look()
}

// change changes a Service by a merge patch and is what it has then. It is for a sequence
// at rest.
func (s *sequence) change(name, patch string) (string, metallb.Outcome) {
	s.t.Helper()
	s.note(name, json.RawMessage(patch))
	s.since = written(s.t, *s.service(allocating, name))
	s.patch(allocating, name, patch)
	s.settle()
	return s.compare(name)
}

// drop deletes a Service.
func (s *sequence) drop(name string) {
	s.t.Helper()
	s.note(name, "deleted")
	s.remove(object("v1", "Service", allocating, name, nil))
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
}

// compare holds what Predict says of a Service, from what was seen before, to what
// MetalLB has made of it.
func (s *sequence) compare(name string) (string, metallb.Outcome) {
	s.t.Helper()
	now := s.look()
	o, want := predict(s.seen, now, name)
	got := join(find(now, name).Ingress)
	if got != "" && !slices.Contains(want, got) { // it may have looked at what it wrote by now
		s.settle()
		now = s.look()
		got = join(find(now, name).Ingress)
	}
	if got == "" {
		u, deadline := s.service(allocating, name), time.Now().Add(2*time.Second) // Events are written later than addresses
		for got = s.refused(u, now, want); !slices.Contains(want, got) && time.Now().Before(deadline); got = s.refused(u, now, want) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if !slices.Contains(want, got) {
		s.t.Errorf("%s: MetalLB: %s\nPredict: %s\n%s", name, got, strings.Join(want, "\nor "), strings.Join(s.steps, "\n"))
	}
	s.seen = now
	return got, o
}

// refused is MetalLB's words about a Service that has no addresses now: the last ones. A
// Service that loses its addresses may leave them to one that waits for some, and then
// MetalLB looks at it again and finds it refused for that one's sake. There any words since
// the step are an answer to it, and those that are wanted are taken.
func (s *sequence) refused(u *unstructured.Unstructured, now *checks.Input, want []string) string {
	s.t.Helper()
	words := s.refusals(u, s.since)
	if s.othersMoved(now, u.GetName()) {
		if i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(want, w) }); i >= 0 {
			return words[i]
		}
	}
	return s.refusal(u)
}

// othersMoved is whether another Service than name has other addresses than before the step.
func (s *sequence) othersMoved(now *checks.Input, name string) bool {
	return slices.ContainsFunc(s.names, func(n string) bool {
		return n != name && !slices.Equal(find(now, n).Ingress, find(s.seen, n).Ingress)
	})
}

// predict is what Predict says of a Service that was made or changed between two looks,
// and the texts of all that it allows for.
func predict(before, after *checks.Input, name string) (o metallb.Outcome, allowed []string) {
	made := find(after, name)
	s := after.AsMetalLB(made)
	s.Current = find(before, name).Ingress
	var err error
	if s.Requested, _, err = metallb.Requested(made.Annotations, made.RequestedIP, metallb.Latest); err != nil {
		return metallb.Outcome{Why: err.Error()}, []string{err.Error()}
	}
	o = metallb.Predict(s, checks.PlainPools(before.PoolsInForce()), before.Taken(), metallb.Latest)
	if len(o.Addrs) == 0 {
		return o, []string{o.Why}
	}
	for _, choice := range append([]metallb.Choice{o.Choice}, o.Others...) {
		allowed = append(allowed, join(choice.Addrs))
	}
	return o, allowed
}

// find is a Service of the namespace; it is empty when there is none.
func find(in *checks.Input, name string) snapshot.Service {
	for _, s := range in.Services() {
		if s.Namespace == allocating && s.Name == name {
			return s
		}
	}
	return snapshot.Service{}
}

func join(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return strings.Join(texts, " ")
}

// said is MetalLB's Events about a Service, the last one written last.
func (c *cluster) said(service *unstructured.Unstructured) []unstructured.Unstructured {
	c.t.Helper()
	uid := string(service.GetUID()) // there were others of the name
	list, err := c.client.Resource(events).Namespace(service.GetNamespace()).List(c.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.uid=" + uid})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b unstructured.Unstructured) int { return written(c.t, a) - written(c.t, b) })
	return list.Items
}

// written is the resource version of an object. This API server's are numbers, the later the
// greater.
func written(t *testing.T, u unstructured.Unstructured) int {
	t.Helper()
	n, err := strconv.Atoi(u.GetResourceVersion())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// refusal is MetalLB's last words about a Service that it gives no address.
func (c *cluster) refusal(service *unstructured.Unstructured) string {
	c.t.Helper()
	if words := c.refusals(service, 0); len(words) > 0 {
		return words[len(words)-1]
	}
	return ""
}

// refusals is MetalLB's words about a Service that it gives no address, written after a
// resource version, the last ones last.
func (c *cluster) refusals(service *unstructured.Unstructured, since int) (all []string) {
	c.t.Helper()
	for _, e := range c.said(service) {
		if written(c.t, e) <= since {
			continue
		}
		reason, _, _ := unstructured.NestedString(e.Object, "reason")
		message, _, _ := unstructured.NestedString(e.Object, "message")
		switch reason {
		case "AllocationFailed":
			all = append(all, inOrder(strings.TrimPrefix(message, fmt.Sprintf("Failed to allocate IP for %q: ", service.GetNamespace()+"/"+service.GetName()))))
		case "LoadBalancerFailed":
			all = append(all, inOrder(strings.TrimPrefix(message, "invalid requested loadbalancer IPs: ")))
		}
	}
	return all
}

// inOrder is MetalLB's words with the Services that have an address sorted: it names them in
// any order.
func inOrder(words string) string {
	start, users, ok := strings.Cut(words, "address also in use by ")
	if !ok {
		return words
	}
	names := strings.Split(users, ",")
	slices.Sort(names)
	return start + "address also in use by " + strings.Join(names, ",")
}

// allocated is how often MetalLB has given a Service addresses, an additional one not
// counted. It may do so twice for a new Service that shares: then it looks at all Services
// again, and may not yet see what it has written to this one.
func (c *cluster) allocated(name string) (times int64) {
	c.t.Helper()
	for _, e := range c.said(c.service(allocating, name)) {
		reason, _, _ := unstructured.NestedString(e.Object, "reason")
		message, _, _ := unstructured.NestedString(e.Object, "message")
		if count, _, _ := unstructured.NestedInt64(e.Object, "count"); reason == "IPAllocated" && strings.HasPrefix(message, "Assigned IP [") {
			times += count
		}
	}
	return times
}
