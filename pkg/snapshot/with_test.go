package snapshot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWith(t *testing.T) {
	service := func(name, kind string) Service {
		return Service{Ref: Ref{Kind: "Service", Namespace: "lab", Name: name}, Type: kind}
	}
	names := func(s *Snapshot) (list []string) {
		for _, one := range s.Services {
			list = append(list, one.Name+" "+one.Type)
		}
		return list
	}
	s := &Snapshot{Facts: Facts{Services: []Service{service("a", "ClusterIP"), service("c", "ClusterIP")}}}
	for _, tc := range []struct {
		add  Service
		want []string
	}{
		{service("b", "LoadBalancer"), []string{"a ClusterIP", "b LoadBalancer", "c ClusterIP"}},
		{service("c", "LoadBalancer"), []string{"a ClusterIP", "c LoadBalancer"}},
		{service("d", "NodePort"), []string{"a ClusterIP", "c ClusterIP", "d NodePort"}},
	} {
		if diff := cmp.Diff(tc.want, names(s.With(tc.add))); diff != "" {
			t.Errorf("with %s (-want +got):\n%s", tc.add.Name, diff)
		}
	}
	if diff := cmp.Diff([]string{"a ClusterIP", "c ClusterIP"}, names(s)); diff != "" {
		t.Errorf("the snapshot itself (-want +got):\n%s", diff)
	}
}

func TestWithGap(t *testing.T) {
	for reason, want := range map[Reason]string{NotInFiles: "", Forbidden: "services: forbidden"} {
		s := &Snapshot{Gaps: map[Kind]Gap{Services: {Kind: Services, Reason: reason}}}
		g, gap := s.With(Service{}).Gap(Services)
		if got := g.String(); gap != (want != "") || gap && (got != want || !g.Partial) {
			t.Errorf("%s: %q, partial %t", reason, got, g.Partial)
		}
		if old, _ := s.Gap(Services); old.Partial {
			t.Errorf("%s: the snapshot itself has changed", reason)
		}
	}
}
