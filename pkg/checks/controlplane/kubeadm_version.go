package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var kubeadmVersion = &checks.Check{
	ID:       "DS209",
	Name:     "kubeadm-version",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kubeadm reads the configuration in the version in which it is written",
		Why: `kubeadm refuses a configuration in a version that it no longer reads, and what it says of
the two families cannot be used again as it is. kubeadm 1.31 brought v1beta4, in which extra
arguments, the node masks among them, are a list instead of a map; through 1.36 it still reads
v1beta3, from 1.37 on it does not.`,
		Fix:    "kubeadm config migrate --old-config OLD.yaml --new-config NEW.yaml, with a kubeadm that knows both versions: of v1beta3 and v1beta4, 1.31 to 1.36.",
		Limits: "The configuration that kubeadm keeps in the cluster is brought to the new version by kubeadm upgrade.",
		Holds:  "kubeadm 1.15 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, cmd/kubeadm/app/util/config/common.go", "kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/doc.go"},
	},
	Needs: []snapshot.Kind{snapshot.KubeadmConfig},
	Uses:  []snapshot.Kind{snapshot.Versions},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.KubernetesVersion()
		for _, k := range in.Kubeadm() {
			reader, old := oldVersions[k.APIVersion]
			if !old || v.Before(v1beta4Brought) && v.Before(reader.refused) {
				continue
			}
			finding := checks.Finding{
				Object: k.Ref, Field: ".apiVersion",
				Message: fmt.Sprintf("is %s, which kubeadm %s and later refuses; it reads %s", k.APIVersion, reader.refused, reader.next),
				Fix: fmt.Sprintf("with a kubeadm of %s: kubeadm config migrate --old-config kubeadm.yaml --new-config kubeadm-%s.yaml",
					reader.migrates, reader.next),
			}
			if v.Before(reader.refused) {
				finding.Severity = severity.Info
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

// v1beta4Brought is the first release that writes v1beta4 and only reads v1beta3.
var v1beta4Brought = release.V(1, 31)

// oldVersions is the versions of the configuration that kubeadm no longer reads,
// from which release on, and the releases that bring one to the next version.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/util/config/common.go validateSupportedVersion.
var oldVersions = map[string]struct {
	refused        release.Version
	migrates, next string
}{
	"kubeadm.k8s.io/v1beta3": {release.V(1, 37), "1.31 to 1.36", "v1beta4"},
	"kubeadm.k8s.io/v1beta2": {release.V(1, 27), "1.22 to 1.26", "v1beta3"},
	"kubeadm.k8s.io/v1beta1": {release.V(1, 22), "1.15 to 1.21", "v1beta2"},
}
