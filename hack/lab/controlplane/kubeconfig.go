package controlplane

import (
	"encoding/base64"
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/pki"
)

// kubeconfig is a kubeconfig with one cluster and one user, certificates included.
// Its server is on the loopback: a kubeconfig with another address could be taken
// to a network where that address belongs to somebody else.
func kubeconfig(server string, authority []byte, user pki.Pair) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: lab
contexts:
- name: lab
  context: {cluster: lab, user: lab}
clusters:
- name: lab
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: lab
  user:
    client-certificate-data: %s
    client-key-data: %s
`, server, encode(authority), encode(user.Certificate), encode(user.Key))
}

func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
