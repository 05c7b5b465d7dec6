package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"
)

func TestCertificatesAreTrusted(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ca, err := New("lab", now)
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server("kube-apiserver", []string{"localhost"}, []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, now)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Client("admin", []string{"system:masters"}, now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Certificate)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := parse(t, server).Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now}); err != nil {
			t.Errorf("server as %s: %v", name, err)
		}
	}
	if _, err := parse(t, server).Verify(x509.VerifyOptions{Roots: roots, DNSName: "192.0.2.1", CurrentTime: now}); err == nil {
		t.Error("the server's certificate holds for an address that it does not name")
	}
	user := parse(t, client)
	if _, err := user.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: now}); err != nil {
		t.Errorf("client: %v", err)
	}
	if user.Subject.CommonName != "admin" || len(user.Subject.Organization) != 1 || user.Subject.Organization[0] != "system:masters" {
		t.Errorf("client is %s", user.Subject)
	}
	other, err := New("other", now)
	if err != nil {
		t.Fatal(err)
	}
	strangers := x509.NewCertPool()
	strangers.AppendCertsFromPEM(other.Certificate)
	if _, err := user.Verify(x509.VerifyOptions{Roots: strangers, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: now}); err == nil {
		t.Error("another authority vouches for the client")
	}
}

// parse is the certificate of a pair whose key belongs to it.
func parse(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}
