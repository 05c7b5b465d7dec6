package snapshot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCorefile(t *testing.T) {
	got := parseCorefile(`
# of the site
(log) {
    log . {
        class error
    }
}
dns://.:53, example.org:5353 {
    import log
    template ANY AAAA {   # no IPv6 here
        rcode NOERROR
    }
    forward . "192.0.2.53" [2001:db8::53]:53 {
        max_concurrent 1000
    }
}
ip6.arpa {
    whoami
}
`)
	want := []DNSServer{
		{Zones: []string{".", "example.org"}, Plugins: []DNSPlugin{
			{Name: "log", Args: []string{"."}, Lines: [][]string{{"class", "error"}}},
			{Name: "template", Args: []string{"ANY", "AAAA"}, Lines: [][]string{{"rcode", "NOERROR"}}},
			{Name: "forward", Args: []string{".", "192.0.2.53", "[2001:db8::53]:53"}, Lines: [][]string{{"max_concurrent", "1000"}}},
		}},
		{Zones: []string{"ip6.arpa"}, Plugins: []DNSPlugin{{Name: "whoami", Args: []string{}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"", "}", "}\n}\n", "{\n{\n}", ". {\nforward", ". {\n{\nx\n}\n}\n"} {
		parseCorefile(text) // what is no Corefile is no reason to stop
	}
}
