package checks

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"

// Programs is every Pod of the named program with its flags or, where no Pod is
// known, the program that kubeadm's configuration makes. It looks at
// snapshot.ControlPlane and snapshot.KubeadmConfig.
func (in *Input) Programs(name string) []snapshot.Program {
	in.read[snapshot.KubeadmConfig] = true
	return in.facts(snapshot.ControlPlane).Programs(name)
}
