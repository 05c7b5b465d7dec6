package snapshot

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
)

// Applied is the snapshot with the overlay that was given for reading laid over it,
// and what the overlay did. Both are nil without one.
func (s *Snapshot) Applied() (*Snapshot, *Applied) {
	if s.applied == nil {
		return nil, nil
	}
	return s.applied, s.applied.laid
}

// layOver has the builder make two snapshots of what it is given: as it is, and
// with the files of o over it. The parts of a list that are read side by side each
// lay the same files.
func (b *builder) layOver(o *Overlay) {
	if o == nil {
		return
	}
	b.over = newBuilder(b.snap.Source)
	b.over.overlay = o
	b.over.snap.Problems = slices.Clone(o.problems)
	if b.snap.Source == (Source{}) { // of a list: the whole has them
		b.over.snap.Problems = nil
	}
}

// each calls f for the builder, and for the one of the same with files over it.
func (b *builder) each(f func(*builder)) {
	f(b)
	if b.over != nil {
		f(b.over)
	}
}

// lay takes in o with what the files of the overlay, if there is one, say of it.
func (b *builder) lay(o object) {
	if b.overlay == nil {
		b.take(o)
		return
	}
	laid, ok := b.overlay.over(o)
	if !ok {
		return
	}
	if values, ok := laid.value.(*helmValues); ok {
		laid.value = values.clone()
	}
	b.take(laid)
	b.noteChange(o.value, laid.value)
}

// clone is v with values of its own: what is found out later is added to them.
func (v *helmValues) clone() *helmValues {
	if v.values == nil {
		return v
	}
	both := *v
	both.values = map[string]any{}
	overlay(both.values, v.values)
	return &both
}

// addRest takes in the objects of the files that what they are laid over has not.
func (b *builder) addRest() {
	if b.overlay == nil {
		return
	}
	for _, o := range b.overlay.rest() {
		b.take(o)
	}
}

// noteChange has a configuration of Cilium that the files edit be changed now: the
// agents that run have read it before.
func (b *builder) noteChange(before, after any) {
	old, ok := before.(*corev1.ConfigMap)
	if !ok || configMapUse(old) != CiliumConfig {
		return
	}
	if c := after.(*corev1.ConfigMap); !maps.Equal(old.Data, c.Data) {
		b.snap.Cilium.Changed = b.snap.Source.At
	}
}

// settleUpgrade has values of Cilium's chart that are laid over a ConfigMap change
// it as an upgrade with them would: the keys that the chart writes are written, also
// over what a hand wrote there, and the others stay. What is known of a chart is
// its keys of addresses, routing and Services.
// Source: https://helm.sh/community/hips/hip-0023, of the patch of Helm 3.
func (b *builder) settleUpgrade() {
	c := &b.snap.Cilium
	if b.overlay == nil || !b.overlay.values || c.ConfigRef == c.Values.Ref || c.Values.Ref == (Ref{}) {
		return
	}
	config := cilium.Config{}
	maps.Copy(config, c.Config)
	maps.Copy(config, c.Values.Rendered)
	if !maps.Equal(config, c.Config) {
		c.Config, c.Changed = config, b.snap.Source.At
	}
	c.ByHand = slices.DeleteFunc(slices.Clone(c.ByHand), func(key string) bool { return c.Values.Rendered.Has(key) })
	c.Version = c.Values.Version.Or(c.Version)
}

// both is the snapshot that was built, which has the other by it.
func (b *builder) both() *Snapshot {
	if b.over == nil {
		return b.snap
	}
	b.over.snap.laid = b.over.overlay.applied()
	b.snap.applied = b.over.snap
	return b.snap
}
